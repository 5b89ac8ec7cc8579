"""Compare the recent changes of a business. Inside a fence it must be fast, since writers wait."""

import time
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, LiteralString, NamedTuple
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
_RECENT_ROWS: dict[str, LiteralString] = {
    "appointment": "t.appointment_id = ANY ({appointments})",
    "history": "t.at >= %(since)s",
    "idempotency": "t.recorded_at >= %(since)s",
    "claim": "t.holder_id = ANY ({holders})",
    "session": "t.session_id = ANY ({holders})",
}
"""The condition for recent rows of each table that grows with use. All other tables are compared completely."""
_RECENT_SETS = sql.SQL("""
    WITH changed AS MATERIALIZED (
        SELECT DISTINCT h.appointment_id FROM scheduling.history h
         WHERE h.business_id = %(business)s AND h.at >= %(since)s),
    holder AS MATERIALIZED (
        SELECT appointment_id AS holder_id FROM changed
         UNION
        SELECT a.session_id FROM scheduling.appointment a
         WHERE a.business_id = %(business)s AND a.appointment_id = ANY (ARRAY(SELECT appointment_id FROM changed))
           AND a.session_id IS NOT NULL)
""")
_CHANGED = sql.SQL("ARRAY(SELECT appointment_id FROM changed)")
_HOLDERS = sql.SQL("ARRAY(SELECT holder_id FROM holder)")
_SCHEMA_VERSION = Table("alembic_version", ("version_num",), ("version_num",), ("character varying",))
"""Compared with the tables of the business, without another round trip."""


class RecentRows(NamedTuple):
    """The summaries of one database: by table, the number of recent rows and the sum of their hashes."""

    since: datetime
    tables: tuple[Table, ...]
    found: dict[str, tuple[int, str]]


def read_recent(
    db: Connection, business_id: UUID, since: datetime, *, tables: Sequence[Table] | None = None
) -> RecentRows:
    """Read the summaries in one statement: all rows of tables that do not grow with use, bookings with a history entry
    since `since`, and the version of the schema.

    `since` is a time of the source's clock; `tables` are those of `read_tables`, if already known.
    """
    compared = (*(tables if tables is not None else read_tables(db)), _SCHEMA_VERSION)
    found = db.execute(_summary_query(compared), {"business": business_id, "since": since}, prepare=True).fetchall()
    return RecentRows(since, compared, {name: (count, total) for name, count, total in found})


def compare_recent(source: Connection, target: Connection, business_id: UUID, here: RecentRows) -> Findings:
    """Compare the target with what `read_recent` found in the source.

    Nothing may be written between the two reads: a difference is not read again.
    """
    began = time.monotonic()
    found = _compared(source, target, business_id, here)
    differences = [each for table, rows in found.differing.items() for each in differences_of(table, *rows)]
    return build_findings(found.tables, differences, here.since, began)


def compare_since(
    source: Connection,
    target: Connection,
    business_id: UUID,
    since: datetime,
    *,
    tables: Sequence[Table] | None = None,
    settle_seconds: float = 5.0,
) -> Findings:
    """Compare the recent rows while the business is in use: differing rows are read again until they agree.

    `since` is a time of the source's clock; `tables` are those of `read_tables`, if already known. A later comparison
    may start exactly at the findings' `compared_from`: every write with an earlier timestamp has ended.
    """
    began = time.monotonic()
    compared_from = _wait_for_earlier_writes(source, business_id, settle_seconds) or since
    found = _compared(source, target, business_id, read_recent(source, business_id, since, tables=tables))
    differences = []
    for table, rows in found.differing.items():
        if table == _SCHEMA_VERSION:
            differences += differences_of(table, *rows)
            continue
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


def _compared(source: Connection, target: Connection, business_id: UUID, read: RecentRows) -> _Found:
    """Compare the summaries of both databases, and read the rows of differing tables.

    Each database selects recent rows by its own history: if both select different appointments, the history differs.
    """
    here, there = read.found, read_recent(target, business_id, read.since, tables=read.tables[:-1]).found
    found = _Found({name: TableFinding(here[name][0], here[name] == there[name]) for name in here}, {})
    if here != there:
        values: dict[str, Any] = {"business": business_id, "since": read.since}
        changed = _changed(source, values) | _changed(target, values)
        values["appointments"] = sorted(changed)
        values["holders"] = sorted(changed | _sessions(source, values) | _sessions(target, values))
        for table in (table for table in read.tables if here[table.name] != there[table.name]):
            found.differing[table] = (_rows(source, table, values), _rows(target, table, values))
    return found


@lru_cache(maxsize=2)
def _summary_query(tables: tuple[Table, ...]) -> bytes:
    """The statement that summarizes all tables, composed once: it is long."""
    parts = [_summary(table) for table in tables]
    return sql.SQL("{} {}").format(_RECENT_SETS, sql.SQL(" UNION ALL ").join(parts)).as_bytes()


def _summary(table: Table) -> sql.Composed:
    return sql.SQL("SELECT {}, count(*), coalesce(sum({}), 0)::text FROM {} WHERE {}").format(
        sql.Literal(table.name), table.row_hash, table.source, _where(table, _CHANGED, _HOLDERS)
    )


def _where(table: Table, appointments: sql.SQL, holders: sql.SQL) -> sql.Composed:
    """The condition for the compared rows, for appointments and holders given as an array or a placeholder."""
    if table == _SCHEMA_VERSION:
        return sql.SQL("true").format()
    recent = sql.SQL(_RECENT_ROWS.get(table.name, "true")).format(appointments=appointments, holders=holders)
    return sql.SQL("t.business_id = %(business)s AND {}").format(recent)


def _rows(db: Connection, table: Table, values: dict[str, Any]) -> Rows:
    found = db.execute(
        sql.SQL("SELECT {} FROM {} WHERE {}").format(
            table.keyed_hash,
            table.source,
            _where(table, sql.SQL("%(appointments)s"), sql.SQL("%(holders)s")),
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
