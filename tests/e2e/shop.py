"""A business with one service and one provider, behind either adapter, and its customers on the JSON API."""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol, cast
from uuid import uuid4

import requests

from monolith.cutover.scheduling_flag import AdapterName
from tests.e2e.demo import Installation
from tests.polling import eventually
from tests.site import PASSWORD, Client

PRICE_MINOR = 4200
ALWAYS = [{"weekday": weekday, "opens": "00:00", "closes": "24:00"} for weekday in range(1, 8)]
# The maximum time that processes take to follow the flag.
FLAG_SECONDS = 1.0


class Served(Protocol):
    """A running monolith."""

    @property
    def url(self) -> str: ...


@dataclass(frozen=True)
class Shop:
    slug: str
    adapter: AdapterName
    business_id: str
    offering_id: str
    provider_id: str


def open_shop(installation: Installation, slug: str, adapter: AdapterName) -> Shop:
    """Open a business with this adapter, by setting the flag; its provider is always available."""
    point_flag(installation, adapter)
    return confirmed_shop(installation, slug, adapter)


def confirmed_shop(installation: Installation, slug: str, adapter: AdapterName) -> Shop:
    """Like `furnished_shop`; its owner has confirmed the address, without which no mail is sent to guests."""
    shop = furnished_shop(installation.url, slug, adapter)
    email = f"owner@{slug}.example"
    owner = Client(installation.url)
    answered(owner.log_in(email))
    answered(owner.post("/confirm-email", {"token": confirmation_token(installation, email)}))
    return shop


def furnished_shop(url: str, slug: str, adapter: AdapterName) -> Shop:
    """Sign up a business at the monolith at `url`, with one offering and one provider who is always available."""
    owner = Client(url)
    signed_up = answered(owner.sign_up(slug))
    root = f"/businesses/{slug}"
    offering = answered(keyed(owner, f"{root}/offerings", {"name": "Massage", "duration_minutes": 30}))["offering_id"]
    provider = answered(keyed(owner, f"{root}/providers", {"name": "Ada", "zone": "Europe/Lisbon"}))["provider_id"]
    price = {"offering_id": offering, "amount_minor": PRICE_MINOR}
    answered(owner.request("PUT", f"{root}/prices", json=price))
    at_provider = f"{root}/providers/{provider}"
    answered(owner.request("PUT", f"{at_provider}/offerings", json={"offering_ids": [offering]}))
    answered(owner.request("PUT", f"{at_provider}/weekly-hours", json={"ranges": ALWAYS}))
    return Shop(slug, adapter, signed_up["business"]["business_id"], offering, provider)


def confirm_owner(installation: Installation, shop: Shop) -> None:
    """Let the owner open the link of the mail, without which feeds and webhooks cannot be created. Idempotent."""
    owner, email = Client(installation.url), f"owner@{shop.slug}.example"
    if not answered(owner.log_in(email))["email_confirmed"]:
        answered(owner.post("/confirm-email", {"token": confirmation_token(installation, email)}))


def confirmation_token(installation: Installation, email: str) -> str:
    """Return the token of the link in the mail that asks to confirm this address."""
    mails = eventually(lambda: installation.mails_to(email), "the mail with the link")
    return mails[0].text.partition("confirm-email?token=")[2].split()[0]


def point_flag(installation: Installation, adapter: AdapterName) -> None:
    """Set the flag, and return when every process follows it."""
    done = installation.extraction("flag", "set", adapter, "--reason", "a test")
    assert done.returncode == 0, done.stderr
    time.sleep(FLAG_SECONDS)


def open_both(installation: Installation) -> dict[AdapterName, Shop]:
    """Open `near-salon` in the monolith and `far-salon` in the service; leave the flag at `in_process`."""
    shops = {
        "http": open_shop(installation, "far-salon", "http"),
        "in_process": open_shop(installation, "near-salon", "in_process"),
    }
    return cast(dict[AdapterName, Shop], shops)


class Customer:
    """A customer signed in at one shop. Methods return API responses unchecked."""

    def __init__(self, installation: Served, shop: Shop) -> None:
        self.shop = shop
        self.email = f"customer-{uuid4().hex[:12]}@example.org"
        self.client = Client(installation.url)
        answered(self.client.join(shop.slug, self.email, PASSWORD))

    def confirm_email(self, installation: Installation) -> None:
        """Open the link of the mail that asks for it; without it, no mail about an appointment is sent."""
        token = confirmation_token(installation, self.email)
        answered(self.client.post("/confirm-email", {"token": token}))

    def slots(self, days: int = 3) -> requests.Response:
        """Search the free starts of one day, `days` from now."""
        return self.slots_on(datetime.now(UTC).date() + timedelta(days=days))

    def slots_on(self, day: date) -> requests.Response:
        """Search the free starts of a day, in UTC."""
        start = datetime.combine(day, datetime.min.time(), UTC)
        window = {"start": start.isoformat(), "end": (start + timedelta(days=1)).isoformat()}
        return self.client.get(self._path("slots"), params={"offering_id": self.shop.offering_id, **window})

    def book(self, starts_at: str, key: str | None = None) -> requests.Response:
        body = {
            "offering_id": self.shop.offering_id,
            "provider_id": self.shop.provider_id,
            "starts_at": starts_at,
        }
        return keyed(self.client, self._path("appointments"), body, key)

    def reschedule(self, appointment_id: str, starts_at: str) -> requests.Response:
        path = self._path(f"appointments/{appointment_id}/reschedule")
        return keyed(self.client, path, {"starts_at": starts_at, "expected_version": 1})

    def cancel(self, appointment_id: str) -> requests.Response:
        return keyed(self.client, self._path(f"appointments/{appointment_id}/cancel"), {})

    def appointments(self) -> requests.Response:
        return self.client.get(self._path("appointments"))

    def invoices(self) -> requests.Response:
        return self.client.get(self._path("invoices"))

    def _path(self, below: str) -> str:
        return f"/businesses/{self.shop.slug}/{below}"


def keyed(client: Client, path: str, body: object, key: str | None = None) -> requests.Response:
    return client.post(path, body, headers={"Idempotency-Key": key or uuid4().hex})


def answered(response: requests.Response) -> Any:
    assert response.ok, f"{response.request.method} {response.url} answered {response.status_code} {response.text}"
    return response.json()
