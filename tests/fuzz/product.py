"""A monolith with a business on either adapter, and sessions that carry API tokens of their owners."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import requests

from deploy.devstack.keys import Keys
from monolith.cutover.scheduling_flag import AdapterName
from tests.databases import Databases
from tests.e2e.shop import FLAG_SECONDS, Customer, Shop, answered, furnished_shop
from tests.faults.http_site import set_default_adapter
from tests.faults.service import SchedulingWeb
from tests.gunicorn_site import GunicornSite, gunicorn_site
from tests.site import Client, confirm_email


@dataclass(frozen=True)
class Business:
    """An open business with one appointment, and a session that carries an API token with the role of its owner."""

    shop: Shop
    appointment_id: str
    session: requests.Session

    @property
    def known(self) -> Mapping[str, str]:
        """Values for path parameters: identifiers that exist."""
        return {
            "slug": self.shop.slug,
            "offering_id": self.shop.offering_id,
            "provider_id": self.shop.provider_id,
            "appointment_id": self.appointment_id,
        }


@dataclass(frozen=True)
class Product:
    """A running monolith, whose new businesses are in its own database at first."""

    databases: Databases
    site: GunicornSite

    @contextmanager
    def business_on(self, adapter: AdapterName) -> Iterator[Business]:
        """Open a business on this adapter."""
        if adapter == "http":
            set_default_adapter(self.databases, adapter)
            time.sleep(FLAG_SECONDS)
        shop = furnished_shop(self.site.url, f"fuzz-{adapter.replace('_', '-')}", adapter)
        assert _is_stored(self.databases.monolith_admin_url, shop) == (adapter == "in_process")
        assert _is_stored(self.databases.scheduling_admin_url, shop) == (adapter == "http")
        customer = Customer(self.site, shop)
        booked = answered(customer.book(answered(customer.slots())["slots"][0]["starts_at"]))
        with _session_of_owner(self.databases, self.site, shop) as session:
            yield Business(shop, booked["appointment_id"], session)


@contextmanager
def running_product(databases: Databases, keys: Keys, service: SchedulingWeb, folder: Path) -> Iterator[Product]:
    settings = {"SCHEDULING_SERVICE_URL": service.url, "SERVICE_TOKEN_SIGNING_KEY": keys.signing_key}
    with gunicorn_site(databases, folder, WEB_WORKERS="1", **settings) as site:
        yield Product(databases, site)


def _is_stored(url: str, shop: Shop) -> bool:
    with psycopg.connect(url) as db:
        found = db.execute("SELECT 1 FROM scheduling.business WHERE business_id = %s", (shop.business_id,))
        return found.fetchone() is not None


def _session_of_owner(databases: Databases, site: GunicornSite, shop: Shop) -> requests.Session:
    email = f"owner@{shop.slug}.example"
    confirm_email(databases, email)
    owner = Client(site.url)
    answered(owner.log_in(email))
    token = answered(owner.post(f"/businesses/{shop.slug}/tokens", {"name": "fuzz", "role": "owner"}))
    return Client(site.url, token["secret"]).session
