"""The end of an extraction: replication goes, and so do the rows of the side that was left."""

from collections.abc import Callable
from uuid import UUID

from contracts.scheduling.values import DatabaseName
from monolith.cutover import replication
from monolith.cutover.databases import REPLICATOR, SchedulingDatabases, other_database
from monolith.cutover.replication.starting import discard
from monolith.cutover.store import cutovers
from monolith.cutover.verification import compare
from monolith.shared.flags.scheduling_flag import ADAPTER_FOR

Say = Callable[[str], None]


class FinalizeRefused(Exception):
    """Something still stands against the end; nothing was changed."""


def finalize_extraction(databases: SchedulingDatabases, side: DatabaseName, say: Say) -> int:
    """Every business is owned by `side` for good: compare all of them once more, stop replication, and delete the other
    side's copies. Answers how many rows went. Raises NotYet while anything is owned elsewhere, moves, or differs.

    Repeated after a crash it goes on: what was deleted is gone, and what was not is still a copy.
    """
    businesses = _owned_by(databases, side)
    if replication.read_status(databases).directions[0].subscribed:
        _require_same(databases, side, businesses, say)
        say("ending replication")
        left = replication.stop(databases)
        if left:
            raise FinalizeRefused(f"replication could not be ended: {'; '.join(left)}")
    return discard_copies(databases, other_database(side), say)


def discard_copies(databases: SchedulingDatabases, side: DatabaseName, say: Say) -> int:
    """Delete what `side` holds and does not own. The database itself refuses where it owns the business."""
    deleted = 0
    with databases.at(side).connect(REPLICATOR, statement_seconds=0.0) as db:
        copies = db.execute(
            """
            SELECT b.business_id FROM scheduling.business b
             WHERE NOT EXISTS (SELECT 1 FROM scheduling.lease l WHERE l.business_id = b.business_id AND l.active)
             ORDER BY b.business_id
            """
        ).fetchall()
        for number, (business_id,) in enumerate(copies, 1):
            deleted += discard(db, business_id)
            say(f"deleted copy {number} of {len(copies)} in the {databases.at(side).name} database")
    return deleted


def _owned_by(databases: SchedulingDatabases, side: DatabaseName) -> list[UUID]:
    with databases.platform() as platform:
        moving = cutovers.unsettled(platform)
        if moving:
            raise FinalizeRefused(f"{len(moving)} businesses are being moved: see `extraction cutover status`")
        rows = platform.execute("SELECT business_id, owner FROM platform.ownership ORDER BY business_id").fetchall()
    elsewhere = [business_id for business_id, owner in rows if owner != side]
    if elsewhere:
        raise FinalizeRefused(
            f"{len(elsewhere)} of {len(rows)} businesses are not owned by {side}: "
            f"move them with `extraction flag set {ADAPTER_FOR[side]} --all`"
        )
    return [business_id for business_id, _ in rows]


def _require_same(databases: SchedulingDatabases, side: DatabaseName, businesses: list[UUID], say: Say) -> None:
    with databases.at(side).connect() as here, databases.at(other_database(side)).connect() as there:
        for number, business_id in enumerate(businesses, 1):
            findings = compare(here, there, business_id)
            if not findings.equal:
                first = findings.differences[0]
                raise FinalizeRefused(
                    f"business {business_id} differs ({first.table} {first.key}: {first.what}): see `extraction verify`"
                )
            say(f"compared {number} of {len(businesses)}")
