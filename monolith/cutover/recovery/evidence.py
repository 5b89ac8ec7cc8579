"""The evidence of the databases and of the record after a restore or a failover."""

from collections.abc import Callable, Mapping
from typing import NamedTuple
from uuid import UUID

from contracts.scheduling.values import DatabaseName
from monolith.cutover import verification
from monolith.cutover.databases import Connection, SchedulingDatabases
from monolith.cutover.inventory import StoredLease, read_leases
from monolith.cutover.store import cutovers, recoveries, servers
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.store.recoveries import Recorded
from scheduling_service.engine import lease as leases

At = Callable[[DatabaseName], Connection]
"""Returns a connection to a database, as `scheduling_mover`."""

APPENDED = ("appointment", "history", "idempotency")
"""Tables to which every write of a business adds a row. One that only the copy has was lost by the owner."""


class ServerEvidence(NamedTuple):
    """One database. `known` is the incarnation with which the record was compared; None if it never was."""

    incarnation: str
    known: str | None
    leases: Mapping[UUID, StoredLease]
    held: frozenset[UUID]
    """The businesses that have rows here."""

    @property
    def replaced(self) -> bool:
        return self.known is not None and self.known != self.incarnation

    @property
    def is_same_cluster(self) -> bool:
        """Whether the server continues the known one: the same identifier, on the same timeline or a later one."""
        if self.known is None:
            return True
        (identifier, timeline), (known_identifier, known_timeline) = (
            each.split("/") for each in (self.incarnation, self.known)
        )
        return identifier == known_identifier and int(timeline) >= int(known_timeline)


class Evidence(NamedTuple):
    """The evidence of every database, in the order of their names, and of the record.

    `databases` tells which replicate with each other.
    """

    servers: Mapping[DatabaseName, ServerEvidence]
    record: Mapping[UUID, Recorded]
    unsettled: tuple[Cutover, ...]
    databases: SchedulingDatabases

    def copy_of(self, business_id: UUID, owner: DatabaseName) -> DatabaseName | None:
        """Return the database that replicates the business from its owner, if it holds it."""
        if not self.databases.replicates(business_id, owner):
            return None
        partner = self.databases.partner_of(owner)
        return partner if partner is not None and business_id in self.servers[partner].held else None

    @property
    def needs_recovery(self) -> bool:
        """Return whether a server is another one than the record knows, or a lease is void."""
        return any(
            each.replaced or any(not lease.valid for lease in each.leases.values()) for each in self.servers.values()
        )


class RowComparison(NamedTuple):
    """The rows of a business in both databases. `lost` are rows of the copy that its owner lacks."""

    equal: bool
    lost: int
    example: str


def read_evidence(control_db: Connection, databases: SchedulingDatabases, at: At) -> Evidence:
    """Read the leases, the businesses held and the record, over the connections of `at`. Raises psycopg.Error."""
    known = servers.known_servers(control_db)
    return Evidence(
        {name: _read_server(at(name), known.get(name)) for name in databases.names},
        recoveries.read_record(control_db),
        tuple(cutovers.unsettled(control_db)),
        databases,
    )


def compare_rows(at: At, business_id: UUID, owner: DatabaseName, copy: DatabaseName) -> RowComparison:
    """Compare the rows of a business in the database of its owner and in the one that replicates it.

    Meant for fenced ones; changes that are being replicated have 0.3 s to arrive.
    """
    findings = verification.compare(at(owner), at(copy), business_id, settle_seconds=0.3, share=1.0)
    lost = [each for each in findings.differences if each.table in APPENDED and "at the target only" in each.what]
    shown = lost or findings.differences
    example = "" if not shown else f"{shown[0].table} {shown[0].key} {shown[0].what}"
    return RowComparison(findings.equal, len(lost), example)


def _read_server(db: Connection, known: str | None) -> ServerEvidence:
    held = db.execute("SELECT business_id FROM scheduling.business").fetchall()
    return ServerEvidence(
        leases.read_incarnation(db), known, read_leases(db), frozenset(business_id for (business_id,) in held)
    )
