"""What a controller has to know about the module that it moves. Scheduling is the only one of this product."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from psycopg.sql import Identifier

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import Connection
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.store.platform_writes import follow_owner
from scheduling_service.engine import lease


class LeaseDatabase(Protocol):
    def connect(self) -> Connection:
        """Open an autocommit connection that may read all rows and change leases. Raises psycopg.OperationalError."""


class LeaseDatabases(Protocol):
    """The databases of a module, and the one that records cutovers."""

    def at(self, name: DatabaseName) -> LeaseDatabase: ...

    def control_db(self) -> Connection:
        """Open an autocommit connection to the database in which cutovers are recorded and decided."""


@dataclass(frozen=True, slots=True)
class ExtractedModule:
    """`schema` has the leases, in both databases.

    `follow_owner` runs in the transaction that ends a cutover, on the control database's connection.
    """

    schema: Identifier
    follow_owner: Callable[[Connection, Cutover], object]


def _set_flag(control_db: Connection, cutover: Cutover) -> None:
    follow_owner(control_db, cutover.business_id, cutover.target, actor=cutover.actor, reason=cutover.reason)


SCHEDULING = ExtractedModule(lease.SCHEDULING, _set_flag)
