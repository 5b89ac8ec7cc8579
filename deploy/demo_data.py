"""Demo data: one business with services, providers, prices and a few bookings.

Created through the public API, like any client's; only the e-mail addresses, to which no mailbox belongs, are confirmed
as an operator does, and operators are appointed as by `extraction operator`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import requests

from deploy.errors import CommandError
from monolith.modules.auth.api import OperatorRole
from monolith.operators import OperatorRoles, operators_auth
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import FlagStore

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
_PROFILE = {
    "description": "Cuts and beards by the water, with or without an appointment.",
    "address": "12 Quai de la Loire, 75019 Paris",
    "opening_hours": "Monday to Friday 9 to 18, Saturday 10 to 16",
    "phone": "+33 1 99 00 12 34",
    "email": "hello@harbour-barbers.example",
}


@dataclass(frozen=True)
class DemoLogin:
    role: str
    email: str
    password: str


OWNER = DemoLogin("owner", "owner@harbour-barbers.example", "harbour-demo-owner")
CUSTOMER = DemoLogin("customer", "robin@example.com", "harbour-demo-robin")

OPERATOR = DemoLogin("operator", "operator@example.com", "harbour-demo-operator")
VIEWER = DemoLogin("viewer", "viewer@example.com", "harbour-demo-viewer")


def add_operators(environment: Mapping[str, str]) -> list[DemoLogin]:
    """Create an operator and a viewer of the console if they are missing, and return their accounts."""
    url, secret = environment["MONOLITH_DATABASE_URL"], environment["DATABASE_ROLE_SECRET"]
    accounts, platform = (
        operators_auth(url, secret),
        ModuleDatabase(url, role="platform_app", secret=secret, pool_size=1),
    )
    roles, present = OperatorRoles(accounts, FlagStore(platform)), {user.email for user, _ in accounts.operators()}
    for login in (OPERATOR, VIEWER):
        if login.email not in present:
            role: OperatorRole = "viewer" if login is VIEWER else "operator"
            name = f"Demo {login.role}"
            roles.grant(login.email, role, actor="demo", reason="demo data", name=name, password=login.password)
    platform.close()
    return [OPERATOR, VIEWER]


def fill_demo(environment: Mapping[str, str]) -> list[DemoLogin]:
    """Create the demo data if it is missing, and return the accounts.

    The customer is created last, so that its login shows that the data is complete. An interrupted run is continued by
    the next one, because every request has a fixed idempotency key.
    """
    api = DemoApi(environment["PUBLIC_URL"])
    auth = operators_auth(environment["MONOLITH_DATABASE_URL"], environment["DATABASE_ROLE_SECRET"])
    if api.can_log_in(CUSTOMER):
        auth.confirm_email(CUSTOMER.email)
        return [OWNER, CUSTOMER]
    _sign_up_owner(api)
    auth.confirm_email(OWNER.email)
    api.send("PATCH", f"/businesses/{SLUG}", _PROFILE, "demo-profile")
    offerings = [_offering(api, fields, price) for fields, price in _OFFERINGS]
    providers = [_provider(api, name, offerings) for name in _PROVIDERS]
    _sign_up_customer(DemoApi(environment["PUBLIC_URL"]), offerings[0], providers)
    auth.confirm_email(CUSTOMER.email)
    return [OWNER, CUSTOMER]


class DemoApi:
    """A client of the JSON API with its own session. Raises CommandError for an error response."""

    def __init__(self, public_url: str) -> None:
        self._base = f"{public_url}/api/v1"
        self._session = requests.Session()
        self._session.trust_env = False

    def can_log_in(self, login: DemoLogin) -> bool:
        body = {"email": login.email, "password": login.password}
        return self._session.post(f"{self._base}/login", json=body, timeout=_TIMEOUT).ok

    def get(self, path: str, **query: str) -> dict[str, Any]:
        return self._decode(self._session.get(self._base + path, params=query, timeout=_TIMEOUT))

    def send(self, method: str, path: str, body: Mapping[str, object], key: str) -> dict[str, Any]:
        headers = {"Idempotency-Key": key}
        return self._decode(
            self._session.request(method, self._base + path, json=body, headers=headers, timeout=_TIMEOUT)
        )

    def _decode(self, response: requests.Response) -> dict[str, Any]:
        if not response.ok:
            raise CommandError(
                f"the demo data could not be created: {response.request.method} {response.request.path_url} returned "
                f"{response.status_code} {response.text[:200]}; run `make clean` to start over, or use `--no-seed`"
            )
        return cast(dict[str, Any], response.json()) if response.content else {}


def _sign_up_owner(api: DemoApi) -> None:
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


def _offering(api: DemoApi, fields: Mapping[str, object], price: int) -> str:
    offering = api.send("POST", f"/businesses/{SLUG}/offerings", fields, f"demo-{fields['name']}".replace(" ", "-"))
    offering_id = cast(str, offering["offering_id"])
    api.send(
        "PUT",
        f"/businesses/{SLUG}/prices",
        {"offering_id": offering_id, "amount_minor": price},
        f"demo-price-{offering_id}",
    )
    return offering_id


def _provider(api: DemoApi, name: str, offerings: Iterable[str]) -> str:
    path = f"/businesses/{SLUG}/providers"
    provider = api.send("POST", path, {"name": name, "zone": "Europe/Paris"}, f"demo-provider-{name}")
    provider_id = cast(str, provider["provider_id"])
    api.send("PUT", f"{path}/{provider_id}/offerings", {"offering_ids": list(offerings)}, f"demo-offers-{name}")
    api.send("PUT", f"{path}/{provider_id}/weekly-hours", {"ranges": [*_WEEKDAYS, *_SATURDAY]}, f"demo-hours-{name}")
    return provider_id


def _sign_up_customer(api: DemoApi, offering_id: str, providers: list[str]) -> None:
    """Sign up Robin, and book the first free slot of each provider, one per week from the day after tomorrow."""
    person = {"name": "Robin Example", "email": CUSTOMER.email, "password": CUSTOMER.password}
    api.send("POST", f"/businesses/{SLUG}/customers", person, "demo-customer")
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(days=2)
    for week, provider_id in enumerate(providers):
        window = (start + timedelta(weeks=week), start + timedelta(weeks=week + 1))
        slots = api.get(
            f"/businesses/{SLUG}/slots",
            offering_id=offering_id,
            provider_id=provider_id,
            start=window[0].isoformat(),
            end=window[1].isoformat(),
        )["slots"]
        booking = {"offering_id": offering_id, "provider_id": provider_id, "starts_at": slots[0]["starts_at"]}
        api.send("POST", f"/businesses/{SLUG}/appointments", booking, f"demo-booking-{provider_id}")
