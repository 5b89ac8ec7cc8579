"""Finalize an extraction: stop replication and delete the rows that the former owner still holds."""

from collections.abc import Callable, Sequence
from uuid import UUID

import psycopg

from contracts.scheduling.values import DatabaseName
from monolith.cutover import replication
from monolith.cutover.copies import FinalizeRefused, Report, discard_copies, require_no_third
from monolith.cutover.databases import REPLICATOR, DatabasePair, SchedulingDatabases
from monolith.cutover.recovered import require_recovered
from monolith.cutover.replication import ReplicationStatus
from monolith.cutover.replication.direction import directions
from monolith.cutover.replication.slot import read_slot
from monolith.cutover.scheduling_flag import adapter_for
from monolith.cutover.store import cutovers, ownership
from monolith.cutover.verification import compare
from monolith.cutover.wording import count_of

__all__ = ["FinalizeRefused", "finalize_extraction", "owned_by", "require_deletable", "require_still_owned"]

Describe = Callable[[UUID], str]
"""Names a business for an operator."""


def finalize_extraction(
    databases: SchedulingDatabases,
    owner: DatabaseName,
    report: Report,
    on_final: Callable[[], None] = lambda: None,
    describe: Describe = str,
) -> int:
    """Compare every business once more, stop replication, and delete the copies in the other database.

    Returns the number of deleted rows. `on_final` is called once nothing is replicated, before the first row is
    deleted. Raises FinalizeRefused while a database is unreachable, while a business is owned by the other database,
    has a cutover in progress, or differs, and while the other database replicates with a third one; and
    RecoveryRequired after a restore or a failover. Can be repeated after a crash.
    """
    require_deletable(databases)
    businesses = owned_by(databases, owner, describe)
    pair = databases.extraction
    require_no_third(databases, pair.partner_of(owner))
    status = replication.read_status(pair)
    if not all(each.reachable for each in status.directions):
        raise FinalizeRefused("; ".join(status.problems))
    if any(each.subscribed for each in status.directions):
        _require_equal_copies(databases, owner, businesses, report)
        owned_by(databases, owner, describe)
    if _is_left(pair, status):
        require_no_third(databases, owner)
        report("stopping replication")
        left = replication.stop(pair)
        if left:
            raise FinalizeRefused(f"replication could not be stopped: {'; '.join(left)}")
    require_still_owned(databases, owner, describe)
    on_final()
    return discard_copies(databases, pair.partner_of(owner), report)


def require_deletable(databases: SchedulingDatabases) -> None:
    """Refuse while the state of either database is unknown, or may be older than the copies of the other one.

    Raises FinalizeRefused and RecoveryRequired.
    """
    pair = databases.extraction
    for name in pair.names:
        try:
            with pair.at(name).connect(REPLICATOR, statement_seconds=5.0):
                pass
        except psycopg.OperationalError as error:
            raise FinalizeRefused(
                f"{pair.at(name)} is unreachable ({' '.join(str(error).split())}): "
                f"repeat the command when `extraction db check {name}` succeeds"
            ) from error
    with databases.control_db() as control_db:
        require_recovered(control_db, databases, pair.names)


def owned_by(databases: SchedulingDatabases, owner: DatabaseName, describe: Describe = str) -> list[UUID]:
    """Return the businesses that one database of the extraction owns.

    Raises FinalizeRefused while the other one owns any, and while a cutover is in progress.
    """
    with databases.control_db() as control_db:
        in_progress = cutovers.unsettled(control_db)
        if in_progress:
            named = _named([each.business_id for each in in_progress], describe)
            raise FinalizeRefused(
                f"{count_of(len(in_progress))} with a cutover in progress ({named}): see `extraction cutover status`"
            )
        rows = ownership.read_owners(control_db)
    former = databases.extraction.partner_of(owner)
    left = [business_id for business_id, name in rows if name == former]
    if left:
        raise FinalizeRefused(
            f"{len(left)} of {count_of(len(rows))} still owned by {former} ({_named(left, describe)}): "
            f"move them with `extraction flag set {adapter_for(owner)} --all`"
        )
    return [business_id for business_id, name in rows if name == owner]


def require_still_owned(databases: SchedulingDatabases, owner: DatabaseName, describe: Describe = str) -> None:
    """As `owned_by`, once replication has ended: from now on no cutover begins.

    Raises FinalizeRefused if another operator moved a business in the meantime.
    """
    try:
        owned_by(databases, owner, describe)
    except FinalizeRefused as refusal:
        raise FinalizeRefused(
            "another operator moved a business in the meantime, and replication has ended: start it with "
            f"`extraction replicate start --discard-copies`, and repeat the command; {refusal}"
        ) from refusal


def _is_left(pair: DatabasePair, status: ReplicationStatus) -> bool:
    """Return whether a subscription or a slot exists, such as after an interrupted stop."""
    if any(each.subscribed for each in status.directions):
        return True
    for direction in directions(pair):
        with direction.publisher.connect(REPLICATOR, statement_seconds=5.0) as publisher:
            if read_slot(publisher, direction).status != "gone":
                return True
    return False


def _require_equal_copies(
    databases: SchedulingDatabases, owner: DatabaseName, businesses: Sequence[UUID], report: Report
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


def _named(businesses: Sequence[UUID], describe: Describe) -> str:
    listed = ", ".join(describe(each) for each in businesses[:3])
    return listed if len(businesses) <= 3 else f"{listed}, …"
