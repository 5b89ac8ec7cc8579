"""The businesses that the load is for: which there are, and how to open one through the public API."""

import secrets
from pathlib import Path
from typing import Any

import msgspec
import requests

TIMEOUT_SECONDS = 30.0
PROVIDERS = ("Ada", "Ben", "Cleo", "Dan", "Eve")
CUSTOMERS = 20
VISITORS = 5
WEEK = [{"weekday": day, "opens": "07:00", "closes": "21:00"} for day in range(1, 8)]


class LoadError(Exception):
    """The load cannot be sent. One line: what is wrong, and the remedy."""


class Credentials(msgspec.Struct, frozen=True):
    email: str
    password: str


class LoadBusiness(msgspec.Struct, frozen=True):
    """`side` is where scheduling for it lives: in_process or http. Customers stay signed in while the load runs;
    visitors only ever sign in."""

    slug: str
    side: str
    offering_id: str
    providers: list[str]
    staff: Credentials
    customers: list[Credentials]
    visitors: list[Credentials]


class BusinessFile(msgspec.Struct, frozen=True):
    """The file that tells a load test its businesses. It holds passwords."""

    businesses: list[LoadBusiness]


def read_business_file(path: Path) -> BusinessFile:
    """Raises LoadError."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=BusinessFile)
    except FileNotFoundError:
        raise LoadError(f"{path} is missing: `make load` writes it, or name another by --businesses") from None
    except msgspec.DecodeError as error:
        raise LoadError(f"{path} is damaged ({error}): remove it, and `make load` makes a new one") from None


def open_business(
    host: str, slug: str, side: str, *, customers: int = CUSTOMERS, visitors: int = VISITORS
) -> LoadBusiness:
    """Sign up a business with people, a price and customers. The product puts it where its flag points; `side` is what
    the caller knows about that. Raises LoadError."""
    staff = Credentials(f"{slug}@example.test", secrets.token_urlsafe(16))
    owner, path = ApiClient(host), f"/businesses/{slug}"
    about = {"business_name": f"Load ({side})", "slug": slug, "zone": "Europe/Paris", "currency": "EUR"}
    owner.ask("POST", "/signup", {**about, "name": "Load Owner", "email": staff.email, "password": staff.password})
    offering_id = owner.ask("POST", f"{path}/offerings", {"name": "Haircut", "duration_minutes": 30})["offering_id"]
    owner.ask("PUT", f"{path}/prices", {"offering_id": offering_id, "amount_minor": 2_500})
    return LoadBusiness(
        slug=slug,
        side=side,
        offering_id=offering_id,
        providers=[_hire(owner, path, offering_id, name) for name in PROVIDERS],
        staff=staff,
        customers=[_join(host, path, f"{slug}-customer-{number}") for number in range(customers)],
        visitors=[_join(host, path, f"{slug}-visitor-{number}") for number in range(visitors)],
    )


def sign_in(host: str, login: Credentials) -> str:
    """The cookie of a new session. Raises LoadError."""
    caller = ApiClient(host)
    caller.ask("POST", "/login", {"email": login.email, "password": login.password})
    return caller.cookie


class ApiClient:
    """One client of the JSON API, with its own session."""

    def __init__(self, host: str) -> None:
        self._root = f"{host}/api/v1"
        self._session = requests.Session()
        self._session.trust_env = False

    @property
    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self._session.cookies.items())

    def ask(self, method: str, path: str, body: object) -> dict[str, Any]:
        """Raises LoadError unless the product does it."""
        key = {"Idempotency-Key": secrets.token_hex(16)}
        try:
            answer = self._session.request(method, self._root + path, json=body, headers=key, timeout=TIMEOUT_SECONDS)
        except requests.RequestException as error:
            raise LoadError(
                f"{self._root} does not answer ({type(error).__name__}): start it with `make demo`"
            ) from error
        if not answer.ok:
            raise LoadError(f"{method} {path} was answered {answer.status_code}: {answer.text[:200]}")
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found


def _hire(owner: ApiClient, path: str, offering_id: str, name: str) -> str:
    provider = owner.ask("POST", f"{path}/providers", {"name": name, "zone": "Europe/Paris"})
    provider_id = str(provider["provider_id"])
    owner.ask("PUT", f"{path}/providers/{provider_id}/offerings", {"offering_ids": [offering_id]})
    owner.ask("PUT", f"{path}/providers/{provider_id}/weekly-hours", {"ranges": WEEK})
    return provider_id


def _join(host: str, path: str, name: str) -> Credentials:
    login = Credentials(f"{name}@example.test", secrets.token_urlsafe(16))
    ApiClient(host).ask("POST", f"{path}/customers", {"name": name, "email": login.email, "password": login.password})
    return login
