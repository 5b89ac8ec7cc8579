"""Finalize an extraction: stop replication and delete the rows that the former owner still holds."""

from collections.abc import Callable
from uuid import UUID

from contracts.scheduling.values import DatabaseName
from monolith.cutover import replication
from monolith.cutover.databases import REPLICATOR, SchedulingDatabases
from monolith.cutover.replication import ReplicationRefused
from monolith.cutover.replication.direction import directions
from monolith.cutover.replication.requirements import require_unpaired
from monolith.cutover.replication.starting import discard
from monolith.cutover.scheduling_flag import adapter_for
from monolith.cutover.store import cutovers, ownership
from monolith.cutover.verification import compare
from monolith.cutover.wording import count_of

Report = Callable[[str], None]


class FinalizeRefused(Exception):
    """A condition for the final step does not hold; nothing was changed."""


def finalize_extraction(
    databases: SchedulingDatabases, owner: DatabaseName, report: Report, on_final: Callable[[], None] = lambda: None
) -> int:
    """Compare every business once more, stop replication, and delete the copies in the other database.

    Returns the number of deleted rows. `on_final` is called once nothing is replicated, before the first row is
    deleted. Raises FinalizeRefused while a business is owned by the other database, has a cutover in progress, or
    differs, and while the other database replicates with a third one. Can be repeated after a crash.
    """
    businesses = _owned_by(databases, owner)
    pair = databases.extraction
    _require_no_third(databases, pair.partner_of(owner))
    if replication.read_status(pair).directions[0].subscribed:
        _require_equal_copies(databases, owner, businesses, report)
        report("stopping replication")
        left = replication.stop(pair)
        if left:
            raise FinalizeRefused(f"replication could not be stopped: {'; '.join(left)}")
    on_final()
    return discard_copies(databases, pair.partner_of(owner), report)


def discard_copies(databases: SchedulingDatabases, name: DatabaseName, report: Report) -> int:
    """Delete the rows that the database holds but does not own; a trigger refuses rows of a business that it owns.

    Raises FinalizeRefused, with nothing deleted, while the database replicates with a third one.
    """
    _require_no_third(databases, name)
    deleted = 0
    with databases.at(name).connect(REPLICATOR, statement_seconds=0.0) as db:
        copies = db.execute(
            """
            SELECT b.business_id FROM scheduling.business b
             WHERE NOT EXISTS (SELECT 1 FROM scheduling.lease l WHERE l.business_id = b.business_id AND l.active)
             ORDER BY b.business_id
            """
        ).fetchall()
        for number, (business_id,) in enumerate(copies, 1):
            deleted += discard(db, business_id)
            report(f"deleted copy {number} of {len(copies)} in the {databases.at(name).name} database")
    return deleted


def _require_no_third(databases: SchedulingDatabases, name: DatabaseName) -> None:
    """Refuse a database that replicates with one outside of the extraction: the deletion would be replicated to it."""
    own = {each.subscription for each in directions(databases.extraction)}
    with databases.at(name).connect(REPLICATOR) as db:
        try:
            require_unpaired(databases.at(name), db, own)
        except ReplicationRefused as refusal:
            raise FinalizeRefused(str(refusal)) from refusal


def _owned_by(databases: SchedulingDatabases, owner: DatabaseName) -> list[UUID]:
    with databases.control_db() as control_db:
        in_progress = cutovers.unsettled(control_db)
        if in_progress:
            raise FinalizeRefused(
                f"{count_of(len(in_progress))} with a cutover in progress: see `extraction cutover status`"
            )
        rows = ownership.read_owners(control_db)
    former = databases.extraction.partner_of(owner)
    left = [business_id for business_id, name in rows if name == former]
    if left:
        raise FinalizeRefused(
            f"{len(left)} of {count_of(len(rows))} still owned by {former}: "
            f"move them with `extraction flag set {adapter_for(owner)} --all`"
        )
    return [business_id for business_id, name in rows if name == owner]


def _require_equal_copies(
    databases: SchedulingDatabases, owner: DatabaseName, businesses: list[UUID], report: Report
) -> None:
    with databases.at(owner).connect() as here, databases.at(databases.extraction.partner_of(owner)).connect() as there:
        for number, business_id in enumerate(businesses, 1):
            findings = compare(here, there, business_id)
            if not findings.equal:
                first = findings.differences[0]
                raise FinalizeRefused(
                    f"business {business_id} differs ({first.table} {first.key}: {first.what}): see `extraction verify`"
                )
            report(f"compared {number} of {len(businesses)}")
