"""Compare the recent changes of a business. Inside a fence it must be fast, since writers wait."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import sql

from monolith.cutover.databases import Connection
from monolith.cutover.verification.findings import Findings, TableFinding
from monolith.cutover.verification.full_comparison import (
    build_findings,
    differences_of,
    differing_keys,
    read_clock,
    unsettled_differences,
)
from monolith.cutover.verification.table_rows import Rows, Table, read_tables

_POLL_SECONDS = 0.002
_RECENT_ROWS = {
    "appointment": "t.appointment_id = ANY (%(appointments)s)",
    "history": "t.at >= %(since)s",
    "idempotency": "t.recorded_at >= %(since)s",
    "claim": "t.holder_id = ANY (%(holders)s)",
    "session": "t.session_id = ANY (%(holders)s)",
}
"""The condition for recent rows of each table that grows with use. All other tables are compared completely."""


def compare_recent(
    source: Connection,
    target: Connection,
    business_id: UUID,
    since: datetime,
    *,
    tables: Sequence[Table] | None = None,
) -> Findings:
    """Compare all tables except bookings completely, and the bookings with a history entry since `since`.

    `since` is a time of the source's clock. Nothing may be written during the comparison: a difference is not read
    again. `tables` are those of `read_tables`, if already known.
    """
    began = time.monotonic()
    found = _read(source, target, business_id, since, tables)
    differences = [each for table, rows in found.differing.items() for each in differences_of(table, *rows)]
    return build_findings(found.tables, differences, since, began)


def compare_since(
    source: Connection,
    target: Connection,
    business_id: UUID,
    since: datetime,
    *,
    tables: Sequence[Table] | None = None,
    settle_seconds: float = 5.0,
) -> Findings:
    """Compare like `compare_recent` while the business is in use: differing rows are read again until they agree.

    A later comparison may start exactly at the findings' `compared_from`: every write with an earlier timestamp has
    ended.
    """
    began = time.monotonic()
    compared_from = _wait_for_earlier_writes(source, business_id, settle_seconds) or since
    found = _read(source, target, business_id, since, tables)
    differences = []
    for table, rows in found.differing.items():
        differences += unsettled_differences(
            table, list(differing_keys(*rows)), source, target, business_id, settle_seconds
        )
    return build_findings(found.tables, differences, compared_from, began)


def _wait_for_earlier_writes(db: Connection, business_id: UUID, seconds: float) -> datetime | None:
    """Return a time of the database's clock once every write that was open then has ended; None after a timeout.

    A writer holds the business's advisory lock and takes its timestamp under the lock.
    """
    moment, writers = read_clock(db), _active_writers(db, business_id)
    until = time.monotonic() + seconds
    while writers:
        if time.monotonic() >= until:
            return None
        time.sleep(_POLL_SECONDS)
        writers &= _active_writers(db, business_id)
    return moment


def _active_writers(db: Connection, business_id: UUID) -> set[str]:
    rows = db.execute(
        """
        SELECT virtualtransaction FROM pg_locks
         WHERE locktype = 'advisory' AND granted AND objsubid = 1
           AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND (classid::bigint << 32) | objid::bigint = scheduling.fence_key(%s)
        """,
        (business_id,),
    ).fetchall()
    return {row[0] for row in rows}


class _Found(NamedTuple):
    """The summaries of all tables, and the rows of both databases for differing ones."""

    tables: dict[str, TableFinding]
    differing: dict[Table, tuple[Rows, Rows]]


def _read(
    source: Connection, target: Connection, business_id: UUID, since: datetime, tables: Sequence[Table] | None
) -> _Found:
    values: dict[str, Any] = {"business": business_id, "since": since}
    tables = tables if tables is not None else read_tables(source)
    with ThreadPoolExecutor(2) as both:
        changed = set[UUID]().union(*both.map(lambda db: _changed(db, values), (source, target)))
        values["appointments"] = sorted(changed)
        values["holders"] = sorted(changed.union(*both.map(lambda db: _sessions(db, values), (source, target))))
        query = sql.SQL(" UNION ALL ").join(_summary(table) for table in tables)
        here, there = (dict(found) for found in both.map(lambda db: _summaries(db, query, values), (source, target)))
    found = _Found({}, {})
    for table in tables:
        equal = here[table.name] == there[table.name]
        found.tables[table.name] = TableFinding(here[table.name][0], equal)
        if not equal:
            found.differing[table] = (_rows(source, table, values), _rows(target, table, values))
    return found


def _where(table: Table) -> sql.SQL:
    return sql.SQL(_RECENT_ROWS.get(table.name, "true"))


def _summary(table: Table) -> sql.Composed:
    return sql.SQL(
        "SELECT {}, count(*), coalesce(sum({}), 0)::text FROM {} WHERE t.business_id = %(business)s AND {}"
    ).format(sql.Literal(table.name), table.row_hash, table.source, _where(table))


def _summaries(db: Connection, query: sql.Composed, values: dict[str, Any]) -> list[tuple[str, tuple[int, str]]]:
    return [(name, (count, total)) for name, count, total in db.execute(query, values, prepare=True).fetchall()]


def _rows(db: Connection, table: Table, values: dict[str, Any]) -> Rows:
    found = db.execute(
        sql.SQL("SELECT {} FROM {} WHERE t.business_id = %(business)s AND {}").format(
            table.keyed_hash, table.source, _where(table)
        ),
        values,
    ).fetchall()
    return {tuple(row[:-1]): row[-1] for row in found}


def _changed(db: Connection, values: dict[str, Any]) -> set[UUID]:
    """Return the appointments with recent history. Index: history_by_time."""
    rows = db.execute(
        "SELECT DISTINCT appointment_id FROM scheduling.history WHERE business_id = %(business)s AND at >= %(since)s",
        values,
    ).fetchall()
    return {row[0] for row in rows}


def _sessions(db: Connection, values: dict[str, Any]) -> set[UUID]:
    rows = db.execute(
        """
        SELECT DISTINCT session_id FROM scheduling.appointment
         WHERE business_id = %(business)s AND appointment_id = ANY (%(appointments)s) AND session_id IS NOT NULL
        """,
        values,
    ).fetchall()
    return {row[0] for row in rows}
