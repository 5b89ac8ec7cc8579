"""The demo's data: one business with services, people, prices and a few bookings, made through the public API.

Nothing here knows the inside of the product: it signs up, signs in and books like anybody else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import requests

from deploy.errors import CommandError

SLUG = "harbour-barbers"
_TIMEOUT = 15
_WEEKDAYS = [
    {"weekday": weekday, "opens": opens, "closes": closes}
    for weekday in range(1, 6)
    for opens, closes in (("09:00", "13:00"), ("14:00", "18:00"))
]
_SATURDAY = [{"weekday": 6, "opens": "10:00", "closes": "16:00"}]
_OFFERINGS = (
    ({"name": "Haircut", "duration_minutes": 30}, 2500),
    ({"name": "Beard trim", "duration_minutes": 15}, 1200),
    ({"name": "Haircut and beard", "duration_minutes": 60, "step_minutes": 30}, 3500),
    ({"name": "First visit, just a chat", "duration_minutes": 15}, 0),
)
_PROVIDERS = ("Alva", "Bruno", "Chidi")


@dataclass(frozen=True)
class Login:
    who: str
    email: str
    password: str


OWNER = Login("owner", "owner@harbour-barbers.example", "harbour-demo-owner")
CUSTOMER = Login("customer", "robin@example.com", "harbour-demo-robin")


def seed(environment: Mapping[str, str]) -> list[Login]:
    """Fill an empty product, and answer who may log in.

    The customer comes last: when they can log in, everything stands already. A seeding that was cut short goes on where
    it stopped, since every request carries the same idempotency key as before.
    """
    api = Api(environment["PUBLIC_URL"])
    if api.lets_in(CUSTOMER):
        return [OWNER, CUSTOMER]
    _sign_up_owner(api)
    offerings = [_offering(api, fields, price) for fields, price in _OFFERINGS]
    providers = [_provider(api, name, offerings) for name in _PROVIDERS]
    _sign_up_customer(Api(environment["PUBLIC_URL"]), offerings[0], providers)
    return [OWNER, CUSTOMER]


class Api:
    """One client of the JSON API, with its own session. A refusal ends the seeding with one line."""

    def __init__(self, public_url: str) -> None:
        self._base = f"{public_url}/api/v1"
        self._session = requests.Session()
        self._session.trust_env = False

    def lets_in(self, login: Login) -> bool:
        body = {"email": login.email, "password": login.password}
        return self._session.post(f"{self._base}/login", json=body, timeout=_TIMEOUT).ok

    def get(self, path: str, **query: str) -> dict[str, Any]:
        return self._answer(self._session.get(self._base + path, params=query, timeout=_TIMEOUT))

    def send(self, method: str, path: str, body: Mapping[str, object], key: str) -> dict[str, Any]:
        headers = {"Idempotency-Key": key}
        return self._answer(
            self._session.request(method, self._base + path, json=body, headers=headers, timeout=_TIMEOUT)
        )

    def _answer(self, response: requests.Response) -> dict[str, Any]:
        if not response.ok:
            raise CommandError(
                f"the demo data could not be filled in: {response.request.method} {response.request.path_url} answered "
                f"{response.status_code} {response.text[:200]}; `make clean` begins again, `--no-seed` does without"
            )
        return cast(dict[str, Any], response.json()) if response.content else {}


def _sign_up_owner(api: Api) -> None:
    api.send(
        "POST",
        "/signup",
        {
            "business_name": "Harbour Barbers",
            "slug": SLUG,
            "zone": "Europe/Paris",
            "currency": "EUR",
            "name": "Sam Harbour",
            "email": OWNER.email,
            "password": OWNER.password,
        },
        "demo-signup",
    )


def _offering(api: Api, fields: Mapping[str, object], price: int) -> str:
    offering = api.send("POST", f"/businesses/{SLUG}/offerings", fields, f"demo-{fields['name']}".replace(" ", "-"))
    offering_id = cast(str, offering["offering_id"])
    api.send(
        "PUT",
        f"/businesses/{SLUG}/prices",
        {"offering_id": offering_id, "amount_minor": price},
        f"demo-price-{offering_id}",
    )
    return offering_id


def _provider(api: Api, name: str, offerings: Iterable[str]) -> str:
    place = f"/businesses/{SLUG}/providers"
    provider = api.send("POST", place, {"name": name, "zone": "Europe/Paris"}, f"demo-provider-{name}")
    provider_id = cast(str, provider["provider_id"])
    api.send("PUT", f"{place}/{provider_id}/offerings", {"offering_ids": list(offerings)}, f"demo-offers-{name}")
    api.send("PUT", f"{place}/{provider_id}/weekly-hours", {"ranges": [*_WEEKDAYS, *_SATURDAY]}, f"demo-hours-{name}")
    return provider_id


def _sign_up_customer(api: Api, offering_id: str, providers: list[str]) -> None:
    """Robin, with an appointment at each provider's first free time from the day after tomorrow on."""
    person = {"name": "Robin Example", "email": CUSTOMER.email, "password": CUSTOMER.password}
    api.send("POST", f"/businesses/{SLUG}/customers", person, "demo-customer")
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    for days, provider_id in enumerate(providers):
        window = (start + timedelta(days=7 * days), start + timedelta(days=7 * days + 7))
        slots = api.get(
            f"/businesses/{SLUG}/slots",
            offering_id=offering_id,
            provider_id=provider_id,
            start=window[0].isoformat(),
            end=window[1].isoformat(),
        )["slots"]
        booking = {"offering_id": offering_id, "provider_id": provider_id, "starts_at": slots[0]["starts_at"]}
        api.send("POST", f"/businesses/{SLUG}/appointments", booking, f"demo-booking-{provider_id}")
