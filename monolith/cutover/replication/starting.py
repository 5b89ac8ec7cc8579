"""Starting replication while the traffic runs; repeated after a crash, it goes on where it stopped."""

import contextlib
import time
from collections.abc import Callable
from uuid import UUID

from psycopg import sql

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import REPLICATOR, Connection, SchedulingDatabases, other_database
from monolith.cutover.replication.direction import PUBLICATION, ReplicationDirection, directions
from monolith.cutover.replication.requirements import (
    ReplicationRefused,
    held_and_owned,
    require_no_copies,
    require_same_version,
    require_settings_and_rights,
)
from monolith.cutover.replication.state import CopyProgress, is_subscribed, read_progress

Say = Callable[[CopyProgress], None]
_LOOK_AGAIN = 0.2
_MOST_ERRORS = 5
"""A table whose copy was cut off, by a network that failed for a moment, is copied again."""

_SIDES: tuple[DatabaseName, DatabaseName] = ("monolith", "scheduling")
# Children before their parents: discarding asks the foreign keys.
_DISCARDED = (
    "fence_mark", "idempotency", "history", "waitlist", "assignment", "appointment", "session", "claim", "block",
    "resource", "holiday", "date_override", "weekly_hours", "schedule", "provider_offering", "provider", "offering",
    "business",
)  # fmt: skip


def start(
    databases: SchedulingDatabases, say: Say, *, discard_copies: bool = False, allow_unbounded_wal: bool = False
) -> None:
    """Publish and subscribe in both directions, and return when both databases hold everything.

    Businesses go on being used; those that are created meanwhile are copied too. While the copy runs and both sides own
    businesses already, new ones must be created on the side that owns the most. Raises Refused, with nothing started.
    """
    with contextlib.ExitStack() as stack:
        dbs = {
            side: stack.enter_context(databases.at(side).connect(REPLICATOR, statement_seconds=0.0)) for side in _SIDES
        }
        for side, db in dbs.items():
            require_settings_and_rights(databases.at(side), db, allow_unbounded_wal=allow_unbounded_wal)
        require_same_version({databases.at(side).name: _version(db) for side, db in dbs.items()})
        there, back = directions(databases)
        if not any(is_subscribed(dbs[each.subscriber.name], each) for each in (there, back)):
            owned = _cleared(databases, dbs, discard_copies)
        else:
            owned = {side: held_and_owned(db)[1] for side, db in dbs.items()}
        # First from the side that owns less to the one that owns more, so that only the latter has rows to leave out.
        if len(owned["monolith"]) >= len(owned["scheduling"]):
            there, back = back, there
        _open(dbs, there, elsewhere=set(), copy=bool(owned[there.publisher.name]), say=say)
        _open(dbs, back, elsewhere=owned[back.subscriber.name], copy=True, say=say)
        for db in dbs.values():
            db.execute("SELECT scheduling.publish('{}')")
            # A copy is used as soon as a business is moved, which may be before the server looks at it by itself.
            db.execute("SELECT scheduling.take_statistics()")


def _cleared(
    databases: SchedulingDatabases, dbs: dict[DatabaseName, Connection], discard_copies: bool
) -> dict[DatabaseName, set[UUID]]:
    """What each side owns; nothing else is there."""
    found = {side: held_and_owned(db) for side, db in dbs.items()}
    for side in _SIDES:
        dbs[side].execute("DELETE FROM scheduling.canary")
        dbs[side].execute(
            """
            DELETE FROM scheduling.fence_mark m
             WHERE NOT EXISTS (SELECT 1 FROM scheduling.business b WHERE b.business_id = m.business_id)
            """
        )
        held, owned = found[side]
        owned_elsewhere = found[other_database(side)][1]
        copies = held - owned
        if copies and discard_copies and copies <= owned_elsewhere:
            for business_id in sorted(copies):
                discard(dbs[side], business_id)
        else:
            require_no_copies(databases.at(side), copies, owned_elsewhere)
    return {side: owned for side, (_, owned) in found.items()}


def discard(db: Connection, business_id: UUID) -> int:
    """Delete the copy of a business that this database does not own, all or nothing; how many rows went. The database
    itself refuses when it owns the business."""
    with db.transaction():
        return sum(
            db.execute(
                sql.SQL("DELETE FROM scheduling.{} WHERE business_id = %s").format(sql.Identifier(table)),
                (business_id,),
            ).rowcount
            for table in _DISCARDED
        )


def _open(
    dbs: dict[DatabaseName, Connection], direction: ReplicationDirection, *, elsewhere: set[UUID], copy: bool, say: Say
) -> None:
    publisher, subscriber = dbs[direction.publisher.name], dbs[direction.subscriber.name]
    if not is_subscribed(subscriber, direction):
        publisher.execute("SELECT scheduling.publish(%s)", (sorted(elsewhere),))
        _drop_orphan(publisher, direction)
        subscriber.execute(
            sql.SQL(
                "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {} WITH (origin = none, run_as_owner = true,"
                " synchronous_commit = on, copy_data = {})"
            ).format(
                sql.Identifier(direction.subscription),
                sql.Literal(direction.connection),
                sql.Identifier(PUBLICATION),
                sql.SQL("true" if copy else "false"),
            )
        )
    began = time.monotonic()
    while True:
        current = read_progress(publisher, subscriber, direction, time.monotonic() - began)
        say(current)
        if current.ready:
            return
        if current.errors > _MOST_ERRORS:
            raise ReplicationRefused(
                f"the first copy from {direction} fails again and again: {current.failing} cannot be copied",
                f"see the log of the {direction.subscriber.name} server; then run `extraction replicate stop`, and "
                "`extraction replicate start --discard-copies`",
            )
        time.sleep(_LOOK_AGAIN)


def _drop_orphan(publisher: Connection, direction: ReplicationDirection) -> None:
    """The slot of a subscription that could not take it along when it was dropped."""
    publisher.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s AND NOT active",
        (direction.subscription,),
    )


def _version(db: Connection) -> str:
    row = db.execute("SELECT string_agg(version_num, ',') FROM scheduling.alembic_version").fetchone()
    if row is None or row[0] is None:
        raise ReplicationRefused("schema scheduling has no version", "run `extraction db setup`")
    return str(row[0])
