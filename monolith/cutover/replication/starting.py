"""Start replication while the businesses are in use. Repeated after a crash, it continues where it stopped."""

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

ReportProgress = Callable[[CopyProgress], None]
_POLL_SECONDS = 0.2
_MAX_ERRORS = 5
"""Postgres repeats the copy of a table after an error, such as a short network failure."""

_NAMES: tuple[DatabaseName, DatabaseName] = ("monolith", "scheduling")
# Children before their parents, as the foreign keys require.
_DISCARDED = (
    "fence_mark", "idempotency", "history", "waitlist", "assignment", "appointment", "session", "claim", "block",
    "resource", "holiday", "date_override", "weekly_hours", "schedule", "provider_offering", "provider", "offering",
    "business",
)  # fmt: skip


def start(
    databases: SchedulingDatabases,
    report: ReportProgress,
    *,
    discard_copies: bool = False,
    allow_unbounded_wal: bool = False,
) -> None:
    """Publish and subscribe in both directions, and return when both databases hold everything.

    Businesses stay in use; those created during the copy are copied too. If both databases already own businesses,
    create new ones only in the database that owns the most until the copy is complete. Raises ReplicationRefused, with
    nothing started.
    """
    with contextlib.ExitStack() as stack:
        dbs = {
            name: stack.enter_context(databases.at(name).connect(REPLICATOR, statement_seconds=0.0)) for name in _NAMES
        }
        for name, db in dbs.items():
            require_settings_and_rights(databases.at(name), db, allow_unbounded_wal=allow_unbounded_wal)
        require_same_version({databases.at(name).name: _version(db) for name, db in dbs.items()})
        there, back = directions(databases)
        if not any(is_subscribed(dbs[each.subscriber.name], each) for each in (there, back)):
            owned = _clear_copies(databases, dbs, discard_copies)
        else:
            owned = {name: held_and_owned(db)[1] for name, db in dbs.items()}
        # Start with the database that owns less, so that only the other one has rows to leave out of its publication.
        if len(owned["monolith"]) >= len(owned["scheduling"]):
            there, back = back, there
        _open(dbs, there, elsewhere=set(), copy=bool(owned[there.publisher.name]), report=report)
        _open(dbs, back, elsewhere=owned[back.subscriber.name], copy=True, report=report)
        for db in dbs.values():
            db.execute("SELECT scheduling.publish('{}')")
            # A copy may be in use, after a cutover, before autovacuum has analyzed it.
            db.execute("SELECT scheduling.take_statistics()")


def _clear_copies(
    databases: SchedulingDatabases, dbs: dict[DatabaseName, Connection], discard_copies: bool
) -> dict[DatabaseName, set[UUID]]:
    """Remove the rows of an earlier replication, and return the businesses that each database owns."""
    found = {name: held_and_owned(db) for name, db in dbs.items()}
    for name in _NAMES:
        dbs[name].execute("DELETE FROM scheduling.canary")
        dbs[name].execute(
            """
            DELETE FROM scheduling.fence_mark m
             WHERE NOT EXISTS (SELECT 1 FROM scheduling.business b WHERE b.business_id = m.business_id)
            """
        )
        held, owned = found[name]
        owned_elsewhere = found[other_database(name)][1]
        copies = held - owned
        if copies and discard_copies and copies <= owned_elsewhere:
            for business_id in sorted(copies):
                discard(dbs[name], business_id)
        else:
            require_no_copies(databases.at(name), copies, owned_elsewhere)
    return {name: owned for name, (_, owned) in found.items()}


def discard(db: Connection, business_id: UUID) -> int:
    """Delete the copy of a business in one transaction, and return the number of rows. A trigger refuses an owned
    one."""
    with db.transaction():
        return sum(
            db.execute(
                sql.SQL("DELETE FROM scheduling.{} WHERE business_id = %s").format(sql.Identifier(table)),
                (business_id,),
            ).rowcount
            for table in _DISCARDED
        )


def _open(
    dbs: dict[DatabaseName, Connection],
    direction: ReplicationDirection,
    *,
    elsewhere: set[UUID],
    copy: bool,
    report: ReportProgress,
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
        report(current)
        if current.ready:
            return
        if current.errors > _MAX_ERRORS:
            raise ReplicationRefused(
                f"the initial copy from {direction} keeps failing: table {current.failing} cannot be copied",
                f"see the log of the {direction.subscriber.name} server; then run `extraction replicate stop`, and "
                "`extraction replicate start --discard-copies`",
            )
        time.sleep(_POLL_SECONDS)


def _drop_orphan(publisher: Connection, direction: ReplicationDirection) -> None:
    """Drop the slot that is left of a subscription dropped while its publisher was unreachable."""
    publisher.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s AND NOT active",
        (direction.subscription,),
    )


def _version(db: Connection) -> str:
    row = db.execute("SELECT string_agg(version_num, ',') FROM scheduling.alembic_version").fetchone()
    if row is None or row[0] is None:
        raise ReplicationRefused("schema scheduling has no version", "run `extraction db setup`")
    return str(row[0])
