"""Businesses to measure with: opened empty through the API, or seeded with many appointments."""

import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

import psycopg

from deploy.devstack.ports import HOST
from deploy.errors import CommandError
from deploy.seed.business import SeededBusiness
from deploy.seed.plan import SeedPlan
from deploy.seed.seeding import seed
from loadtests.generator.api_client import ApiClient, LoadError
from loadtests.generator.businesses import BusinessTemplate, Credentials, sign_up
from loadtests.harness.bench_servers import BenchServers

PASSWORD = secrets.token_urlsafe(16)
OFFICE_HOURS = BusinessTemplate("Bench", "UTC", "Bench", 30, "09:00", "17:00")
ROUND_THE_CLOCK = BusinessTemplate("Bench", "UTC", "Bench", 15, "00:00", "24:00")


class TenantClient(ApiClient):
    """An HTTP client of one user. Raises CommandError on a failed call, since the measurement cannot continue."""

    def __init__(self, port: int) -> None:
        super().__init__(f"http://{HOST}:{port}")

    @property
    def headers(self) -> dict[str, str]:
        """The headers that authenticate the user."""
        return {"Cookie": self.cookie}

    def call(self, method: str, path: str, body: object = None, key: str | None = None) -> dict[str, Any]:
        """Raises CommandError."""
        try:
            return super().call(method, path, body, key)
        except LoadError as error:
            raise CommandError(str(error)) from error


@dataclass(frozen=True, slots=True)
class Tenant:
    """A business with one offering, and the providers who perform it."""

    port: int
    business_id: str
    slug: str
    owner: TenantClient
    offering_id: str
    providers: list[str]

    @property
    def path(self) -> str:
        """The business's path below /api/v1."""
        return f"/businesses/{self.slug}"

    def register_customer(self) -> TenantClient:
        """Register a new customer and return their client."""
        client = TenantClient(self.port)
        email = f"customer-{secrets.token_hex(6)}@example.test"
        client.call("POST", f"{self.path}/customers", {"name": "Bench Customer", "email": email, "password": PASSWORD})
        return client

    def booking(self, provider_id: str, starts_at: datetime) -> dict[str, str]:
        """Return the body of a booking request."""
        return {"offering_id": self.offering_id, "provider_id": provider_id, "starts_at": starts_at.isoformat()}

    def book(
        self, client: TenantClient, provider_id: str, starts_at: datetime, key: str | None = None
    ) -> dict[str, Any]:
        """Book and return the appointment."""
        return client.call("POST", f"{self.path}/appointments", self.booking(provider_id, starts_at), key)


def open_tenant(port: int, providers: int, template: BusinessTemplate) -> Tenant:
    """Open a business through the API; the flag's current value decides which adapter serves it."""
    owner, slug = TenantClient(port), f"bench-{secrets.token_hex(6)}"
    staff = Credentials(f"{slug}@example.test", PASSWORD)
    opened = sign_up(owner, slug, staff, template, ["Bench Provider"] * providers)
    return Tenant(port, opened.business_id, slug, owner, opened.offering_id, opened.providers)


def confirm_addresses(monolith: psycopg.Connection[Any]) -> None:
    """Confirm the e-mail addresses of all accounts, to which no mailbox belongs: bookings send no mail otherwise.

    `monolith` is a connection of the administrator to the monolith's database.
    """
    monolith.execute("UPDATE auth.account SET email = unconfirmed_email, unconfirmed_email = NULL WHERE email IS NULL")


class SeededTenant(NamedTuple):
    """A business with many appointments: its owner's client, free slots (provider, start) and read requests.

    No two slots of a provider overlap. The reads are paths relative to `path`.
    """

    business: SeededBusiness
    owner: TenantClient
    slots: list[tuple[str, str]]
    reads: list[str]

    @property
    def path(self) -> str:
        return f"/api/v1/businesses/{self.business.slug}"

    def slots_for(self, number: int) -> list[tuple[str, str]]:
        """Return one of three disjoint thirds of the slots: each measurement leaves some of its slots booked."""
        return self.slots[number::3]


def seed_businesses(
    servers: BenchServers,
    businesses: int,
    appointments: int,
    *,
    seed_number: int = 1,
    report: Callable[[str], None] = lambda line: None,
) -> list[SeededBusiness]:
    """Fill the monolith's database with this many businesses, which share the appointments evenly.

    The owners' password is `PASSWORD`. The same seed number gives the same data.
    """
    plan = SeedPlan(businesses, appointments, seed=seed_number, adapter="in_process", week=_this_monday())
    target = servers.target("monolith")
    seed(plan, target, target, password=PASSWORD, say=report)
    return [SeededBusiness(plan, index) for index in range(businesses)]


def sign_in_owner(port: int, business: SeededBusiness) -> TenantClient:
    """Return a client signed in as the owner of a seeded business."""
    owner = TenantClient(port)
    owner.call("POST", "/login", {"email": business.plan.owner_email(business.index), "password": PASSWORD})
    return owner


def open_seeded_tenant(port: int, business: SeededBusiness) -> SeededTenant:
    """Sign in the owner of a seeded business and find its free slots of the next sixty days."""
    owner = sign_in_owner(port, business)
    start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    slots, reads = [], []
    for number, provider in enumerate(business.providers[:20]):
        found = search_slots(owner, business, provider.provider_id, start + timedelta(days=1), days=60)
        slots += [(slot["provider_id"], slot["starts_at"]) for slot in non_overlapping(found)]
        day = start + timedelta(days=3 + number)
        reads.append(_slots_query(business, provider.provider_id, day, days=1))
    return SeededTenant(business, owner, slots, reads)


def search_slots(
    owner: TenantClient, business: SeededBusiness, provider_id: object, start: datetime, *, days: int
) -> list[dict[str, str]]:
    """Return the free slots of one provider of a seeded business, for its first service."""
    path = f"/businesses/{business.slug}{_slots_query(business, provider_id, start, days)}"
    found: list[dict[str, str]] = owner.call("GET", path)["slots"]
    return found


def non_overlapping(slots: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Return the slots on the full or half hour; seeded services take thirty minutes, so none of these overlap."""
    return [slot for slot in slots if slot["starts_at"][14:16] in ("00", "30")]


def _slots_query(business: SeededBusiness, provider_id: object, start: datetime, days: int) -> str:
    query = f"offering_id={business.services[0].offering_id}&provider_id={provider_id}"
    window = f"start={start:%Y-%m-%dT%H:%M:%SZ}&end={start + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"
    return f"/slots?{query}&{window}"


def _this_monday() -> date:
    today = datetime.now(UTC).date()
    return today - timedelta(days=today.weekday())
