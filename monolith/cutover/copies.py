"""Delete copies of businesses, each only while its owner proves that it serves the business itself."""

import contextlib
from collections.abc import Callable, Collection, Mapping
from uuid import UUID

import psycopg

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import REPLICATOR, Connection, SchedulingDatabase, SchedulingDatabases
from monolith.cutover.inventory import StoredLease, read_leases, serves
from monolith.cutover.replication import ReplicationRefused
from monolith.cutover.replication.direction import directions
from monolith.cutover.replication.discarding import discard
from monolith.cutover.replication.requirements import require_unpaired
from monolith.cutover.store import recoveries
from monolith.cutover.store.recoveries import Recorded

Report = Callable[[str], None]


class FinalizeRefused(Exception):
    """A condition for the final step does not hold. `deleted` rows of copies were deleted before; usually none."""

    deleted = 0


def discard_copies(databases: SchedulingDatabases, name: DatabaseName, report: Report) -> int:
    """Delete the rows that the database holds but does not own, and return their number.

    A copy is deleted only while its owner's lease is active, valid and of the recorded epoch, and while the database
    replicates with no other, its partner included. Raises FinalizeRefused, with nothing deleted, if that does not hold
    for every copy; if it ends in the meantime, the copies of further businesses are kept.
    """
    with contextlib.ExitStack() as stack:
        here = stack.enter_context(databases.at(name).connect(REPLICATOR, statement_seconds=0.0))
        copies = _copies_in(here)
        owners = _Owners(databases, stack)
        _require_replicated_nowhere(databases, name, here)
        for business_id in copies:
            owners.require_serving(business_id, name)
        deleted = 0
        for number, business_id in enumerate(copies, 1):
            try:
                owners.require_serving(business_id, name)
                deleted += _discard(databases.at(name), here, business_id)
            except FinalizeRefused as refusal:
                refusal.deleted = deleted
                raise
            report(f"deleted copy {number} of {len(copies)} in the {name} database")
    return deleted


def served_by_others(databases: SchedulingDatabases, names: Collection[DatabaseName]) -> frozenset[UUID]:
    """Return the businesses that none of the named databases owns, and that their owner serves.

    Those of a database that is unreachable, or whose leases are void, are not among them.
    """
    with databases.control_db() as control_db:
        record = recoveries.read_record(control_db)
    served = set[UUID]()
    for name in {recorded.owner for recorded in record.values()}.difference(names):
        with contextlib.suppress(psycopg.OperationalError), databases.at(name).connect() as db:
            held = read_leases(db)
            served |= {
                business_id
                for business_id, recorded in record.items()
                if recorded.owner == name and _is_served(held.get(business_id), recorded)
            }
    return frozenset(served)


def require_no_third(databases: SchedulingDatabases, name: DatabaseName) -> None:
    """Refuse a database that replicates with one outside of the extraction. Raises FinalizeRefused."""
    own = {each.subscription for each in directions(databases.extraction)}
    with databases.at(name).connect(REPLICATOR) as db:
        try:
            require_unpaired(databases.at(name), db, own)
        except ReplicationRefused as refusal:
            raise FinalizeRefused(str(refusal)) from refusal


def _discard(database: SchedulingDatabase, db: Connection, business_id: UUID) -> int:
    try:
        return discard(database, db, business_id)
    except ReplicationRefused as refusal:
        raise FinalizeRefused(str(refusal)) from refusal


def _require_replicated_nowhere(databases: SchedulingDatabases, name: DatabaseName, db: Connection) -> None:
    try:
        require_unpaired(databases.at(name), db, ())
    except ReplicationRefused as refusal:
        raise FinalizeRefused(str(refusal)) from refusal


def _copies_in(db: Connection) -> list[UUID]:
    rows = db.execute(
        """
        SELECT b.business_id FROM scheduling.business b
         WHERE NOT EXISTS (SELECT 1 FROM scheduling.lease l WHERE l.business_id = b.business_id AND l.active)
         ORDER BY b.business_id
        """
    ).fetchall()
    return [business_id for (business_id,) in rows]


def _is_served(lease: StoredLease | None, recorded: Recorded) -> bool:
    return lease is not None and lease.active and lease.valid and lease.epoch == recorded.epoch


class _Owners:
    """Asks the owner of each business, over one connection per database that `stack` closes."""

    def __init__(self, databases: SchedulingDatabases, stack: contextlib.ExitStack) -> None:
        self._databases, self._stack = databases, stack
        self._open: dict[DatabaseName, Connection] = {}
        with databases.control_db() as control_db:
            self._record: Mapping[UUID, Recorded] = recoveries.read_record(control_db)

    def require_serving(self, business_id: UUID, holder: DatabaseName) -> None:
        """Refuse to delete the copy in `holder`, which may be the only one. Raises FinalizeRefused."""
        recorded = self._record.get(business_id)
        if recorded is None:
            raise FinalizeRefused(f"the record knows no owner of {business_id}: see `extraction recover --dry-run`")
        if recorded.owner == holder or not serves(self._at(recorded.owner), business_id, recorded.epoch):
            raise FinalizeRefused(
                f"{recorded.owner} owns {business_id} but does not serve it, so that its copy in {holder} was kept: "
                "see `extraction status`"
            )

    def _at(self, name: DatabaseName) -> Connection:
        if name not in self._open:
            try:
                self._open[name] = self._stack.enter_context(self._databases.at(name).connect())
            except psycopg.OperationalError as error:
                raise FinalizeRefused(
                    f"{self._databases.at(name)} is unreachable ({' '.join(str(error).split())})"
                ) from error
        return self._open[name]
