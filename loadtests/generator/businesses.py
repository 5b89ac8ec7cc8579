"""Businesses that receive the load: the file that lists them, and how to open one through the public API."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from loadtests.generator.api_client import ApiClient, LoadError

PROVIDERS = ("Ada", "Ben", "Cleo", "Dan", "Eve")
CUSTOMERS = 20
VISITORS = 5


class Credentials(msgspec.Struct, frozen=True):
    email: str
    password: str


class LoadBusiness(msgspec.Struct, frozen=True):
    """`side` is the adapter of its scheduling, in_process or http. Customers stay signed in during the load; visitors
    only sign in."""

    slug: str
    side: str
    offering_id: str
    providers: list[str]
    staff: Credentials
    customers: list[Credentials]
    visitors: list[Credentials]


class BusinessFile(msgspec.Struct, frozen=True):
    """The businesses file of a load test. It contains passwords."""

    businesses: list[LoadBusiness]


class BusinessTemplate(NamedTuple):
    """The businesses that `sign_up` creates. Providers work every day from `opens` to `closes` in `zone`."""

    name: str
    zone: str
    offering: str
    minutes: int
    opens: str
    closes: str


class NewBusiness(NamedTuple):
    """The ids of a business that was just created."""

    business_id: str
    offering_id: str
    providers: list[str]


SALON = BusinessTemplate("Load", "Europe/Paris", "Haircut", 30, "07:00", "21:00")


def read_business_file(path: Path) -> BusinessFile:
    """Raises LoadError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=BusinessFile)
    except FileNotFoundError:
        raise LoadError(f"{path} is missing: `make load` writes it, or name another file with --businesses") from None
    except msgspec.DecodeError as error:
        raise LoadError(f"{path} is damaged ({error}): remove it; `make load` writes a new one") from None


def read_businesses_of(path: Path, side: str) -> list[LoadBusiness]:
    """Return the file's businesses of one side. Raises LoadError."""
    businesses = [business for business in read_business_file(path).businesses if business.side == side]
    if not businesses:
        raise LoadError(f"{path} has no business with the adapter {side}: `make load` opens one")
    return businesses


BeforeSignUp = Callable[[Mapping[str, str], str], None]
"""Called with the body and the idempotency key of a sign-up, before it is sent."""


def open_business(
    host: str,
    slug: str,
    side: str,
    *,
    customers: int = CUSTOMERS,
    visitors: int = VISITORS,
    before_sign_up: BeforeSignUp | None = None,
) -> LoadBusiness:
    """Open a business with providers, a price and customers.

    The product's flag decides which adapter serves it, unless `before_sign_up` has chosen one; `side` records the
    caller's knowledge of that. Raises LoadError.
    """
    staff = Credentials(f"{slug}@example.test", secrets.token_urlsafe(16))
    owner, path = ApiClient(host), f"/businesses/{slug}"
    template = SALON._replace(name=f"Load ({side})")
    opened = sign_up(owner, slug, staff, template, PROVIDERS, before_sign_up)
    owner.call("PUT", f"{path}/prices", {"offering_id": opened.offering_id, "amount_minor": 2_500})
    return LoadBusiness(
        slug=slug,
        side=side,
        offering_id=opened.offering_id,
        providers=opened.providers,
        staff=staff,
        customers=[_register(host, path, f"{slug}-customer-{number}") for number in range(customers)],
        visitors=[_register(host, path, f"{slug}-visitor-{number}") for number in range(visitors)],
    )


def sign_up(
    owner: ApiClient,
    slug: str,
    staff: Credentials,
    template: BusinessTemplate,
    providers: Sequence[str],
    before_sign_up: BeforeSignUp | None = None,
) -> NewBusiness:
    """Create a business with one offering and these providers; `owner` is signed in to it afterwards."""
    about = {"business_name": template.name, "slug": slug, "zone": template.zone, "currency": "EUR"}
    login = {"name": f"{template.name} owner", "email": staff.email, "password": staff.password}
    path, key = f"/businesses/{slug}", secrets.token_hex(16)
    if before_sign_up is not None:
        before_sign_up({**about, **login}, key)
    business = owner.call("POST", "/signup", {**about, **login}, key)["business"]
    offering = owner.call(
        "POST", f"{path}/offerings", {"name": template.offering, "duration_minutes": template.minutes}
    )
    hired = [_add_provider(owner, path, offering["offering_id"], template, name) for name in providers]
    return NewBusiness(business["business_id"], offering["offering_id"], hired)


def sign_in(host: str, credentials: Credentials) -> str:
    """Return the cookie of a new session. Raises LoadError."""
    client = ApiClient(host)
    client.call("POST", "/login", {"email": credentials.email, "password": credentials.password})
    return client.cookie


def _add_provider(owner: ApiClient, path: str, offering_id: str, template: BusinessTemplate, name: str) -> str:
    provider = owner.call("POST", f"{path}/providers", {"name": name, "zone": template.zone})
    provider_id = str(provider["provider_id"])
    week = [{"weekday": day, "opens": template.opens, "closes": template.closes} for day in range(1, 8)]
    owner.call("PUT", f"{path}/providers/{provider_id}/offerings", {"offering_ids": [offering_id]})
    owner.call("PUT", f"{path}/providers/{provider_id}/weekly-hours", {"ranges": week})
    return provider_id


def _register(host: str, path: str, name: str) -> Credentials:
    credentials = Credentials(f"{name}@example.test", secrets.token_urlsafe(16))
    body = {"name": name, "email": credentials.email, "password": credentials.password}
    ApiClient(host).call("POST", f"{path}/customers", body)
    return credentials
