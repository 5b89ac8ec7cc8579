"""Several databases of the service, each a Postgres server, and the port that routes to them in this process."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from itertools import product
from typing import NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from openfeature import api as openfeature

from contracts.chassis.credentials import without_credentials
from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling.context import Actor, CallContext
from contracts.scheduling.models import Appointment, Book
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from deploy.databases.schemas import Target, scheduling_target
from deploy.databases.set_up import connect, set_up
from deploy.errors import CommandError
from deploy.seed.business import CLOSES, OPENS, SeededBusiness
from deploy.seed.plan import SeedPlan
from deploy.seed.seeding import seed
from loadtests.harness.bench_servers import BenchServers
from loadtests.harness.cutovers import cutover_databases
from loadtests.harness.tenants import PASSWORD
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.registry import with_registry
from monolith.cutover.routing import OwnershipRoutes
from monolith.cutover.scheduling_flag import SchedulingFlag
from monolith.cutover.store.registry import DatabaseEntry, add_entry
from monolith.modules.scheduling.adapters.switched import SwitchedScheduling
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.change_listener import ChangeListener
from monolith.shared.flags.provider import DatabaseFlags
from monolith.shared.flags.store import FlagStore
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.engine import SchedulingEngine

SEEDED_WEEK = date(2025, 1, 6)
FIRST_FREE_DAY = date(2035, 1, 1)
"""A Monday, years after the seeded appointments."""
_FREE_DAYS = 600
_NO_SERVICE = "http://127.0.0.1:9"
"""The address of the registered services: the bench calls their engines in this process."""


class ServiceDatabases(NamedTuple):
    """The running databases, and the port over all of them, which change notices keep current."""

    databases: SchedulingDatabases
    port: SchedulingPort


@contextmanager
def running_service_databases(
    servers: BenchServers, names: Sequence[DatabaseName], clients: int
) -> Iterator[ServiceDatabases]:
    """Start the monolith's database and those of the service, `scheduling` first, and register the further ones.

    The port has up to `clients` connections to each.
    """
    servers.start_databases("monolith")
    for name in names:
        servers.start_postgres(name)
        set_up(_target(servers, name))
    first = cutover_databases(servers)
    with first.control_db() as control_db:
        for name in names[1:]:
            url = without_credentials(_target(servers, name).url)
            add_entry(control_db, DatabaseEntry(name, service_url=_NO_SERVICE, database_url=url), "bench")
    databases = with_registry(first.monolith, first.scheduling, {})
    with _routes(databases) as routes, ExitStack() as stack:
        engines: dict[DatabaseName, SchedulingPort] = {}
        for name in names:
            database = EngineDatabase(databases.at(name).url_as("scheduling_app"), pool_size=clients)
            stack.callback(database.drop_idle)
            engines[name] = SchedulingEngine(database)
        yield ServiceDatabases(databases, SwitchedScheduling(engines, routes))


def seed_database(
    servers: BenchServers, name: DatabaseName, businesses: int, appointments: int, *, seed_number: int = 1
) -> list[SeededBusiness]:
    """Fill one of the running databases with businesses that it owns, and return them."""
    plan = SeedPlan(businesses, appointments, seed=seed_number, adapter="http", week=SEEDED_WEEK)
    monolith = servers.target("monolith")
    seed(plan, monolith, _target(servers, name), password=PASSWORD, say=lambda line: None)
    seeded = [SeededBusiness(plan, index) for index in range(businesses)]
    with connect(monolith) as db:
        db.execute(
            "UPDATE cutover.ownership SET owner = %s WHERE business_id = ANY (%s)",
            (name, [each.business_id for each in seeded]),
        )
    return seeded


class _Slot(NamedTuple):
    offering_id: UUID
    provider_id: UUID
    starts_at: datetime


class Booking(NamedTuple):
    """An acknowledged booking."""

    business_id: UUID
    appointment: Appointment


def _target(servers: BenchServers, name: DatabaseName) -> Target:
    return scheduling_target(servers.postgres[name].admin_url("scheduling"), servers.keys.scheduling_role_secret)


@dataclass
class BookingLoad:
    """Books free slots of seeded businesses, each slot once. Thread-safe."""

    port: SchedulingPort
    businesses: Sequence[SeededBusiness]
    _slots: dict[UUID, Iterator[_Slot]] = field(init=False)
    _turn: int = field(init=False, default=0)
    _lock: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._slots = {each.business_id: _free_slots(each) for each in self.businesses}

    def book_next(self) -> Booking:
        """Book at each business in turn. Raises SchedulingError, and CommandError when no free slot is left."""
        with self._lock:
            self._turn += 1
            business_id = self.businesses[self._turn % len(self.businesses)].business_id
        return self.book_at(business_id)

    def book_at(self, business_id: UUID) -> Booking:
        """Book at one business. Raises SchedulingError, and CommandError when no free slot is left."""
        with self._lock:
            slot = next(self._slots[business_id], None)
        if slot is None:
            raise CommandError("the bench ran out of free slots: increase _FREE_DAYS")
        customer = Actor("customer", uuid4())
        context = CallContext(business_id, customer, Deadline.after(10.0), new_trace(), uuid4().hex)
        request = Book(
            offering_id=slot.offering_id,
            customer_id=customer.id,
            starts_at=slot.starts_at,
            provider_id=slot.provider_id,
        )
        return Booking(business_id, self.port.book(context, request))


def _free_slots(business: SeededBusiness) -> Iterator[_Slot]:
    """Yield the full local hours of weekdays, by provider."""
    days = (FIRST_FREE_DAY + timedelta(days=number) for number in range(_FREE_DAYS))
    offering = min(business.services, key=lambda each: each.minutes)
    for day, hour, provider in product(days, range(OPENS // 60, CLOSES // 60), business.providers):
        if day.weekday() < 5:
            start = datetime.combine(day, time_of_day(hour), ZoneInfo(business.zone)).astimezone(UTC)
            yield _Slot(offering.offering_id, provider.provider_id, start)


@contextmanager
def _routes(databases: SchedulingDatabases) -> Iterator[OwnershipRoutes]:
    url, secret, domain = databases.monolith.url, databases.monolith.secret, uuid4().hex
    with ExitStack() as stack:
        platform, cutover = (ModuleDatabase(url, role=role, secret=secret) for role in ("platform_app", "cutover_app"))
        stack.callback(platform.close)
        stack.callback(cutover.close)
        openfeature.set_provider(DatabaseFlags(FlagStore(platform)), domain)
        routes = OwnershipRoutes(cutover, SchedulingFlag(openfeature.get_client(domain)))
        listener = ChangeListener(url, role="platform_app", secret=secret)
        stack.callback(listener.close)
        listener.subscribe(routes.invalidate)
        listener.start()
        yield routes
