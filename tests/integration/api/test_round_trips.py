"""Round trips of a request to the monolith's database, counted on the wire between a web process and Postgres."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import pytest

from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, TenantClient, open_tenant
from tests.databases import Databases
from tests.gunicorn_site import GunicornSite, gunicorn_site
from tests.round_trips import RoundTrips
from tests.site import Client, confirm_email

LISTENER = "watch"
MONDAY = datetime(2035, 3, 5, tzinfo=UTC)
ENGINE = "scheduling_app"
SECONDS_WITHOUT_NOTICES = 5.5
"""Longer than a business is cached while no notices arrive."""


class Shop(NamedTuple):
    site: GunicornSite
    database: RoundTrips
    tenant: Tenant
    customer: TenantClient

    def round_trips(self, request: Callable[[], object]) -> Counter[str]:
        """Return the round trips of each role in the second of two requests, which finds everything prepared."""
        request()
        with self.database.counted() as roles:
            request()
        return roles

    def page(self, path: str, cookie: str) -> Callable[[], None]:
        client = Client(self.site.url)

        def open_page() -> None:
            url = f"{self.site.url}/b/{self.tenant.slug}{path}"
            assert client.session.get(url, headers={"Cookie": cookie}, timeout=30).status_code == 200

        return open_page


@pytest.fixture
def shop(databases: Databases, tmp_path: Path) -> Iterator[Shop]:
    parts = urlsplit(databases.monolith_url)
    with RoundTrips(parts.hostname or "", parts.port or 0, ignored=frozenset({LISTENER})) as database:
        through_proxy = parts._replace(netloc=f"127.0.0.1:{database.port}").geturl()
        settings = {"MONOLITH_DATABASE_URL": through_proxy, "WEB_WORKERS": "1"}
        with gunicorn_site(databases, tmp_path, **settings) as site:
            tenant = open_tenant(site.port, 2, ROUND_THE_CLOCK)
            confirm_email(databases, f"{tenant.slug}@example.test")
            yield Shop(site, database, tenant, tenant.register_customer())


def test_requests_read_the_tables_of_the_monolith_at_most_once(shop: Shop) -> None:
    """The caller is read in one round trip. The business and its owner are cached, and so are prices, for 2 s."""
    tenant, customer, visitor = shop.tenant, shop.customer, TenantClient(shop.site.port)
    window = {"start": MONDAY.isoformat(), "end": (MONDAY + timedelta(days=1)).isoformat()}
    slots = f"{tenant.path}/slots?{urlencode({'offering_id': tenant.offering_id, **window})}"
    starts = (MONDAY + timedelta(days=7, hours=hour) for hour in count())
    token = tenant.owner.call("POST", f"{tenant.path}/tokens", {"name": "Kiosk", "role": "staff"})["secret"]
    kiosk = Client(shop.site.url, token)

    counts = {
        "search": shop.round_trips(lambda: visitor.call("GET", slots)),
        "search of a customer": shop.round_trips(lambda: customer.call("GET", slots)),
        "search by token": shop.round_trips(lambda: kiosk.get(slots)),
        "booking": shop.round_trips(lambda: tenant.book(customer, tenant.providers[0], next(starts))),
        "page for visitors": shop.round_trips(shop.page("", "")),
        "page of appointments": shop.round_trips(shop.page("/appointments", customer.cookie)),
        "page of invoices": shop.round_trips(shop.page("/invoices", customer.cookie)),
    }
    by_engine = {name: roles.pop(ENGINE, 0) for name, roles in counts.items()}
    assert by_engine["search"] == by_engine["search of a customer"] == by_engine["search by token"] == 1
    assert counts.pop("page for visitors") in ({}, {"billing_app": 3}), "a transaction"
    assert counts == {
        "search": {},
        "search of a customer": {"auth_app": 1},
        "search by token": {"auth_app": 1},
        "booking": {"auth_app": 1},
        "page of appointments": {"auth_app": 1},
        "page of invoices": {"auth_app": 1, "billing_app": 3},
    }, (counts, by_engine)


def test_business_is_read_once_however_seldom_it_is_searched(shop: Shop) -> None:
    visitor, search = TenantClient(shop.site.port), f"{shop.tenant.path}/offerings"
    visitor.call("GET", search)
    time.sleep(SECONDS_WITHOUT_NOTICES)
    with shop.database.counted() as roles:
        visitor.call("GET", search)
    assert set(roles) == {ENGINE}, roles
