"""Start replication while the businesses are in use. Repeated after a crash, it continues where it stopped."""

import contextlib
import time
from collections.abc import Callable, Collection
from uuid import UUID

from psycopg import sql

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import REPLICATOR, Connection, DatabasePair
from monolith.cutover.replication.direction import PUBLICATION, ReplicationDirection, directions
from monolith.cutover.replication.discarding import discard
from monolith.cutover.replication.requirements import (
    ReplicationRefused,
    held_and_owned,
    require_no_copies,
    require_owner,
    require_same_version,
    require_settings_and_rights,
    require_unpaired,
    require_valid_leases,
)
from monolith.cutover.replication.scope import empty_tables, in_scope, publish
from monolith.cutover.replication.slot import read_slot
from monolith.cutover.replication.slot_creation import create_slot
from monolith.cutover.replication.state import CopyProgress, is_copied, is_subscribed, lacks_tables, read_progress

ReportProgress = Callable[[CopyProgress], None]
_REPORT_SECONDS = 0.5
_POLL_SECONDS = 0.03
_MAX_ERRORS = 5
"""Postgres repeats the copy of a table after an error, such as a short network failure."""


def start(
    pair: DatabasePair,
    report: ReportProgress,
    *,
    owned_by_others: Collection[UUID] = (),
    discard_copies: bool = False,
    allow_unbounded_wal: bool = False,
) -> None:
    """Publish and subscribe in both directions, and return when both databases hold all that the pair replicates.

    Businesses stay in use; those created during the copy are copied too. If both databases already own businesses,
    create new ones only in the database that owns the most until the copy is complete. `owned_by_others` are the
    businesses that further databases serve: the pair may hold old copies of them. Raises ReplicationRefused, with
    nothing started.
    """
    with contextlib.ExitStack() as stack:
        dbs = {
            name: stack.enter_context(pair.at(name).connect(REPLICATOR, statement_seconds=0.0)) for name in pair.names
        }
        for name, db in dbs.items():
            require_settings_and_rights(pair.at(name), db, allow_unbounded_wal=allow_unbounded_wal)
        require_same_version({name: _version(db) for name, db in dbs.items()})
        there, back = directions(pair)
        for name, db in dbs.items():
            require_unpaired(pair.at(name), db, {each.subscription for each in (there, back)})
            require_valid_leases(pair.at(name), db)
        if not any(is_subscribed(dbs[each.subscriber.name], each) for each in (there, back)):
            owned = _clear_copies(pair, dbs, set(owned_by_others), discard_copies)
        else:
            owned = {name: in_scope(pair, held_and_owned(db)[1]) for name, db in dbs.items()}
        # Start with the database that owns less, so that only the other one has rows to leave out of its publication.
        if len(owned[there.publisher.name]) >= len(owned[back.publisher.name]):
            there, back = back, there
        _open(pair, dbs, there, elsewhere=set(), copy=bool(owned[there.publisher.name]), report=report)
        _open(pair, dbs, back, elsewhere=owned[back.subscriber.name], copy=True, report=report)
        for name, db in dbs.items():
            publish(db, pair)
            if owned[pair.partner_of(name)]:
                # A copy may be in use, after a cutover, before autovacuum has analyzed it.
                db.execute("SELECT scheduling.take_statistics()")


def _clear_copies(
    pair: DatabasePair, dbs: dict[DatabaseName, Connection], owned_by_others: set[UUID], discard_copies: bool
) -> dict[DatabaseName, set[UUID]]:
    """Remove the rows of an earlier replication, and return the businesses that each database owns."""
    for direction in directions(pair):
        _drop_orphan(dbs[direction.publisher.name], direction)
    found = {name: held_and_owned(db) for name, db in dbs.items()}
    for name in pair.names:
        dbs[name].execute("DELETE FROM scheduling.canary")
        dbs[name].execute(
            """
            DELETE FROM scheduling.fence_mark m
             WHERE NOT EXISTS (SELECT 1 FROM scheduling.business b WHERE b.business_id = m.business_id)
            """
        )
        held, owned = (in_scope(pair, each) for each in found[name])
        partner = pair.partner_of(name)
        owned_elsewhere = found[partner][1] | owned_by_others
        copies = held - owned
        if copies and discard_copies and copies <= owned_elsewhere:
            for business_id in sorted(copies):
                if business_id not in owned_by_others:
                    require_owner(pair.at(partner), dbs[partner], business_id)
                discard(pair.at(name), dbs[name], business_id)
        else:
            require_no_copies(pair.at(name), copies, owned_elsewhere)
    return {name: in_scope(pair, owned) for name, (_, owned) in found.items()}


def _open(
    pair: DatabasePair,
    dbs: dict[DatabaseName, Connection],
    direction: ReplicationDirection,
    *,
    elsewhere: set[UUID],
    copy: bool,
    report: ReportProgress,
) -> None:
    publisher, subscriber = dbs[direction.publisher.name], dbs[direction.subscriber.name]
    if not is_subscribed(subscriber, direction):
        _subscribe(pair, publisher, subscriber, direction, elsewhere, copy=copy)
    if lacks_tables(subscriber, direction):
        publish(publisher, pair, elsewhere)
        subscriber.execute(
            sql.SQL("ALTER SUBSCRIPTION {} REFRESH PUBLICATION WITH (copy_data = true)").format(
                sql.Identifier(direction.subscription)
            )
        )
    began = time.monotonic()
    while True:
        _require_slot(publisher, direction)
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
        _wait_until_ready(subscriber, direction, _REPORT_SECONDS)


def _require_slot(publisher: Connection, direction: ReplicationDirection) -> None:
    """Refuse a subscription whose slot is lost, such as by a failover that came before a standby had it."""
    status = read_slot(publisher, direction).status
    if status in ("gone", "lost"):
        raise ReplicationRefused(
            f"the slot of {direction} on the {direction.publisher.name} server is {status}",
            "run `extraction replicate stop`, and `extraction replicate start --discard-copies`",
        )


def _wait_until_ready(subscriber: Connection, direction: ReplicationDirection, seconds: float) -> None:
    """Return when all tables are copied, or after `seconds`. The progress that is reported costs more than this."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not is_copied(subscriber, direction):
        time.sleep(_POLL_SECONDS)


def _subscribe(
    pair: DatabasePair,
    publisher: Connection,
    subscriber: Connection,
    direction: ReplicationDirection,
    elsewhere: set[UUID],
    *,
    copy: bool,
) -> None:
    """Create the subscription without the tables that have rows to copy; without `copy`, no table has.

    A table that is empty after its changes are captured by the slot needs no copy: every row arrives as a change. For
    each other table Postgres starts a process, connects and creates a slot, so a small database is copied much faster
    without the empty tables.
    """
    publish(publisher, pair, elsewhere)
    _drop_orphan(publisher, direction)
    create_slot(direction.publisher, publisher, direction.subscription)
    if copy:
        publish(publisher, pair, elsewhere, tables=empty_tables(publisher, pair))
    subscriber.execute(
        sql.SQL(
            "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {} WITH (origin = none, run_as_owner = true,"
            " synchronous_commit = on, create_slot = false, failover = true, copy_data = false)"
        ).format(
            sql.Identifier(direction.subscription),
            sql.Literal(direction.connection),
            sql.Identifier(PUBLICATION),
        )
    )


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
