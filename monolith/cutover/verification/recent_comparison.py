"""What changed lately of a business, while nobody writes it: fast, for everybody waits."""

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

_LOOK_AGAIN = 0.002
_LATELY = {
    "appointment": "t.appointment_id = ANY (%(appointments)s)",
    "history": "t.at >= %(since)s",
    "idempotency": "t.recorded_at >= %(since)s",
    "claim": "t.holder_id = ANY (%(holders)s)",
    "session": "t.session_id = ANY (%(holders)s)",
}
"""The tables that grow with use; all others are compared whole."""


def compare_recent(
    source: Connection,
    target: Connection,
    business_id: UUID,
    since: datetime,
    *,
    tables: Sequence[Table] | None = None,
) -> Findings:
    """Everything but bookings whole, and of these what has an entry in its history since then, by the source's clock.

    Both sides must be still: there is no second look. `tables` are those of `read_tables`, if known already.
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
    """As `compare_recent`, of a business that is used: what differs is read again until it agrees. A later comparison
    may begin at the findings' `compared_from`, with nothing to spare: every write stamped before has ended."""
    began = time.monotonic()
    compared_from = _when_all_earlier_writes_have_ended(source, business_id, settle_seconds) or since
    found = _read(source, target, business_id, since, tables)
    differences = []
    for table, rows in found.differing.items():
        differences += unsettled_differences(
            table, list(differing_keys(*rows)), source, target, business_id, settle_seconds
        )
    return build_findings(found.tables, differences, compared_from, began)


def _when_all_earlier_writes_have_ended(db: Connection, business_id: UUID, seconds: float) -> datetime | None:
    """A moment of the database's clock, once nobody writes any more who wrote then; None if that takes too long.

    Whoever writes holds the business's lock, and stamps what is written when that is held.
    """
    moment, writing = read_clock(db), _writing(db, business_id)
    until = time.monotonic() + seconds
    while writing:
        if time.monotonic() >= until:
            return None
        time.sleep(_LOOK_AGAIN)
        writing &= _writing(db, business_id)
    return moment


def _writing(db: Connection, business_id: UUID) -> set[str]:
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
    """`differing` has the rows of both sides."""

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
        same = here[table.name] == there[table.name]
        found.tables[table.name] = TableFinding(here[table.name][0], same)
        if not same:
            found.differing[table] = (_rows(source, table, values), _rows(target, table, values))
    return found


def _where(table: Table) -> sql.SQL:
    return sql.SQL(_LATELY.get(table.name, "true"))


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
    """Index: history_by_time."""
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
