"""The state of replication: progress of the initial copy, and problems of either direction."""

import psycopg
from msgspec import Struct
from msgspec.structs import replace

from monolith.cutover.databases import REPLICATOR, Connection, DatabasePair
from monolith.cutover.replication.direction import PUBLICATION, ReplicationDirection, directions, start_command
from monolith.cutover.replication.problems import RECOVER, describe_problems
from monolith.cutover.replication.requirements import has_void_leases
from monolith.cutover.replication.slot import read_slot
from monolith.cutover.replication.status import DirectionStatus, ReplicationStatus

_WAITING = "i"
"""Also the state of a table that the subscription does not contain yet."""
_READY = "r"
_COPIED = ("f", "s", _READY)
_STATES = {_WAITING: "waiting", "d": "being copied", "f": "catching up", "s": "catching up", _READY: "ready"}


class TableCopy(Struct, frozen=True):
    """The copy of one table: `state` is waiting, being copied, catching up or ready; `all_rows` is an estimate."""

    table: str
    state: str
    rows: int
    all_rows: int


class CopyProgress(Struct, frozen=True):
    """Progress of the initial copy in one direction. `rows` and `all_rows` are estimates from the publisher's
    statistics."""

    direction: str
    rows: int
    all_rows: int
    bytes: int
    tables_ready: int
    tables: int
    seconds: float
    errors: int = 0
    copies: tuple[TableCopy, ...] = ()
    failing: str = ""
    """A table that is not copied yet, for the error message if its copy keeps failing."""

    @property
    def ready(self) -> bool:
        return self.tables > 0 and self.tables_ready == self.tables

    @property
    def seconds_left(self) -> float | None:
        """Extrapolated from the speed so far; None before the first row."""
        return self.seconds * (self.all_rows - self.rows) / self.rows if self.rows else None


def is_subscribed(subscriber: Connection, direction: ReplicationDirection) -> bool:
    row = subscriber.execute(
        """
        SELECT 1 FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
         WHERE d.datname = current_database() AND s.subname = %s
        """,
        (direction.subscription,),
    ).fetchone()
    return row is not None


def is_replicating(pair: DatabasePair) -> bool:
    """Return whether a subscription exists in either direction. Raises psycopg.Error."""
    for direction in directions(pair):
        with direction.subscriber.connect(REPLICATOR, statement_seconds=5.0) as subscriber:
            if is_subscribed(subscriber, direction):
                return True
    return False


def lacks_tables(subscriber: Connection, direction: ReplicationDirection) -> bool:
    """Return whether the subscription does not contain all tables yet: its start was interrupted."""
    row = subscriber.execute(
        """
        SELECT count(*) < cardinality(scheduling.replicated_tables())
          FROM pg_subscription s JOIN pg_subscription_rel r ON r.srsubid = s.oid
         WHERE s.subname = %s
        """,
        (direction.subscription,),
    ).fetchone()
    return row == (True,)


def is_copied(subscriber: Connection, direction: ReplicationDirection) -> bool:
    """Return whether every table that the subscription contains is ready."""
    return read_complete_subscription(subscriber, direction) is not None


def read_complete_subscription(subscriber: Connection, direction: ReplicationDirection) -> int | None:
    """Return the object id of the subscription; None if there is none, or if a table of it is not ready.

    Each start of replication has another one.
    """
    row = subscriber.execute(
        """
        SELECT s.oid::bigint FROM pg_subscription s JOIN pg_subscription_rel r ON r.srsubid = s.oid
         WHERE s.subname = %s AND s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
         GROUP BY s.oid HAVING bool_and(r.srsubstate = %s)
        """,
        (direction.subscription, _READY),
    ).fetchone()
    return None if row is None else int(row[0])


def read_progress(
    publisher: Connection, subscriber: Connection, direction: ReplicationDirection, seconds: float
) -> CopyProgress:
    estimates: dict[str, int] = dict(
        publisher.execute(
            """
            SELECT c.relname, greatest(c.reltuples, s.n_live_tup, 0)::bigint
              FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid
             WHERE c.relnamespace = 'scheduling'::regnamespace AND c.relkind = 'r'
            """
        ).fetchall()
    )
    rows = subscriber.execute(
        """
        SELECT t.name, coalesce(r.srsubstate::text, %s),
               coalesce(p.tuples_processed, 0), coalesce(p.bytes_processed, 0)
          FROM pg_subscription s
         CROSS JOIN unnest(scheduling.replicated_tables()) AS t (name)
          LEFT JOIN pg_subscription_rel r
                 ON r.srsubid = s.oid AND r.srrelid = format('scheduling.%%I', t.name)::regclass
          LEFT JOIN pg_stat_progress_copy p ON p.relid = r.srrelid AND p.datname = current_database()
         WHERE s.subname = %s
        """,
        (_WAITING, direction.subscription),
    ).fetchall()
    copies = tuple(_copy_of(name, state, done, estimates) for name, state, done, _ in rows)
    copied, everything = sum(each.rows for each in copies), sum(each.all_rows for each in copies)
    return CopyProgress(
        direction=str(direction),
        rows=min(copied, everything),
        all_rows=everything,
        bytes=sum(bytes_done for *_, bytes_done in rows),
        tables_ready=sum(state == _READY for _, state, *_ in rows),
        tables=len(rows),
        seconds=seconds,
        errors=_sync_errors(subscriber, direction),
        copies=copies,
        failing=next((name for name, state, *_ in rows if state not in _COPIED), ""),
    )


def _copy_of(name: str, state: str, done: int, estimates: dict[str, int]) -> TableCopy:
    estimated = estimates.get(name, 0)
    return TableCopy(name, _STATES[state], estimated if state in _COPIED else done, estimated)


def _sync_errors(subscriber: Connection, direction: ReplicationDirection) -> int:
    row = subscriber.execute(
        "SELECT sync_error_count FROM pg_stat_subscription_stats WHERE subname = %s", (direction.subscription,)
    ).fetchone()
    return 0 if row is None else int(row[0])


def read_status(pair: DatabasePair, *, max_lag_bytes: int = 16_000_000) -> ReplicationStatus:
    """Return the status of both directions. An unreachable database is a problem in the status, not an error."""
    return ReplicationStatus(tuple(_read_direction(each, max_lag_bytes) for each in directions(pair)))


def find_problems(pair: DatabasePair, *, max_lag_bytes: int) -> list[str]:
    """Describe the problems of both directions; empty when a cutover may rely on them."""
    return read_status(pair, max_lag_bytes=max_lag_bytes).problems


def _read_direction(direction: ReplicationDirection, max_lag_bytes: int) -> DirectionStatus:
    try:
        with (
            direction.publisher.connect(REPLICATOR, statement_seconds=5.0) as publisher,
            direction.subscriber.connect(REPLICATOR, statement_seconds=5.0) as subscriber,
        ):
            return read_direction(direction, publisher, subscriber, max_lag_bytes)
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        problem = f"{direction}: a database is unreachable ({reason})"
        return DirectionStatus(str(direction), subscribed=False, reachable=False, problems=(problem,))


def read_direction(
    direction: ReplicationDirection, publisher: Connection, subscriber: Connection, max_lag_bytes: int
) -> DirectionStatus:
    """Return the status of one direction, over connections as `REPLICATOR`. Raises psycopg.Error."""
    found = subscriber.execute(
        """
        SELECT s.subenabled, st.pid IS NOT NULL, coalesce(e.apply_error_count, 0), coalesce(e.sync_error_count, 0)
          FROM pg_subscription s
          LEFT JOIN pg_stat_subscription st ON st.subid = s.oid AND st.worker_type = 'apply'
          LEFT JOIN pg_stat_subscription_stats e ON e.subid = s.oid
         WHERE s.subname = %s AND s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())
        """,
        (direction.subscription,),
    ).fetchone()
    void = has_void_leases(publisher) or has_void_leases(subscriber)
    if found is None:
        remedy = RECOVER if void else f"run `{start_command(direction)}`"
        return DirectionStatus(
            str(direction), False, void=void, problems=(f"{direction}: replication has not been started: {remedy}",)
        )
    enabled, applying, apply_errors, sync_errors = found
    slot = read_slot(publisher, direction)
    seen = DirectionStatus(
        direction=str(direction),
        subscribed=True,
        enabled=enabled,
        streaming=bool(slot.active and applying),
        wal_end=slot.wal_end,
        wal_kept=slot.kept,
        wal_left=slot.left,
        wal_status=slot.status,
        lag=slot.lag,
        tables=_tables(subscriber, direction),
        apply_errors=apply_errors,
        sync_errors=sync_errors,
        conflicts=_conflicts(subscriber, direction),
        leaves_out_rows=_leaves_out_rows(publisher),
        void=void,
    )
    return replace(seen, problems=tuple(describe_problems(direction, seen, max_lag_bytes)))


def _leaves_out_rows(publisher: Connection) -> bool:
    """Return whether the publication still leaves out the businesses that are copied in the other direction."""
    row = publisher.execute(
        "SELECT bool_or(rowfilter LIKE '%%<> ALL%%') FROM pg_publication_tables WHERE pubname = %s", (PUBLICATION,)
    ).fetchone()
    return row == (True,)


def _conflicts(subscriber: Connection, direction: ReplicationDirection) -> dict[str, int]:
    """Return the counts of Postgres 18 or newer, by name; older servers count none."""
    rows = subscriber.execute(
        """
        SELECT substr(counts.key, 7), counts.value::bigint
          FROM pg_stat_subscription_stats s, jsonb_each_text(to_jsonb(s)) AS counts
         WHERE s.subname = %s AND counts.key LIKE 'confl\\_%%'
        """,
        (direction.subscription,),
    ).fetchall()
    return dict(rows)


def _tables(subscriber: Connection, direction: ReplicationDirection) -> dict[str, int]:
    rows = subscriber.execute(
        """
        SELECT coalesce(r.srsubstate::text, %s), count(*)
          FROM pg_subscription s
         CROSS JOIN unnest(scheduling.replicated_tables()) AS t (name)
          LEFT JOIN pg_subscription_rel r
                 ON r.srsubid = s.oid AND r.srrelid = format('scheduling.%%I', t.name)::regclass
         WHERE s.subname = %s GROUP BY 1
        """,
        (_WAITING, direction.subscription),
    ).fetchall()
    counts: dict[str, int] = {}
    for state, count in rows:
        counts[_STATES[state]] = counts.get(_STATES[state], 0) + count
    return counts
