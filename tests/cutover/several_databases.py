"""Three databases: the monolith's, and two of the scheduling service, registered as an operator would."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from contracts.scheduling.values import DatabaseName
from monolith.cutover import registry as cached_registry
from monolith.cutover.databases import SchedulingDatabase, SchedulingDatabases
from monolith.cutover.registry import with_registry
from monolith.cutover.store import registry
from monolith.cutover.store.registry import DatabaseEntry
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import SCHEDULING_ADAPTER, FlagStore
from scheduling_service.engine import lease as leases
from tests.contract.port.shop import Shop
from tests.cutover.writers import opened, switched_port
from tests.databases import Databases

SECOND = "scheduling-2"
WHO = {"actor": "tests", "reason": "to see"}
NO_SERVICE = "http://127.0.0.1:9"
"""The address of the second service: the tests call its engine directly."""


@contextmanager
def several_databases(databases: Databases) -> Iterator[SchedulingDatabases]:
    """Register the second database of the service; changes of the registry are visible at once."""
    secret = databases.role_secret
    found = with_registry(
        SchedulingDatabase("monolith", databases.monolith_url, secret),
        SchedulingDatabase("scheduling", databases.scheduling_url, secret),
        {},
    )
    register(found, databases.second_scheduling_url)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cached_registry, "LONGEST_AGE_SECONDS", 0.0)
        yield found


def register(databases: SchedulingDatabases, url: str) -> None:
    """Register the second database of the service."""
    entry = DatabaseEntry(SECOND, service_url=NO_SERVICE, database_url=url)
    with databases.control_db() as control_db:
        registry.add_entry(control_db, entry, "tests")


def active_in(databases: SchedulingDatabases, business_id: UUID) -> list[DatabaseName]:
    """Return the databases whose lease on the business is active."""
    found = []
    for name in databases.names:
        with databases.at(name).connect() as db:
            lease = leases.read_lease(db, business_id)
            found += [name] if lease is not None and lease.active else []
    return found


def holders_of(databases: SchedulingDatabases, business_id: UUID) -> list[DatabaseName]:
    """Return the databases that hold rows of the business."""
    found = []
    for name in databases.names:
        with databases.at(name).connect() as db:
            row = db.execute("SELECT 1 FROM scheduling.appointment WHERE business_id = %s", (business_id,)).fetchone()
            found += [name] if row is not None else []
    return found


def request_adapter(databases: SchedulingDatabases, value: str) -> None:
    """Set the default of the flag for new businesses."""
    platform = ModuleDatabase(databases.monolith.url, role="platform_app", secret=databases.monolith.secret)
    FlagStore(platform).set(SCHEDULING_ADAPTER, value, business_id=None, **WHO)
    platform.close()


@contextmanager
def shop_in(databases: SchedulingDatabases, name: DatabaseName) -> Iterator[Shop]:
    """Open a business in one database of the service."""
    request_adapter(databases, f"http:{name}")
    with switched_port(databases) as port:
        yield opened(port)
