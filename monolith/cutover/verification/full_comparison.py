"""Compare a whole business while it is in use: by slices, then by key, rereading differing keys until they agree."""

import time
from datetime import datetime, timedelta
from uuid import UUID

from monolith.cutover.databases import Connection
from monolith.cutover.verification.findings import MAX_LISTED, Difference, Findings, TableFinding
from monolith.cutover.verification.table_rows import Key, Rows, Table, format_key, read_tables
from monolith.cutover.verification.throttle import DATABASE_SHARE, ComparisonThrottle

LONGEST_TRANSACTION = timedelta(seconds=15)
"""Longer than any caller's deadline: a write with an older timestamp is committed or will never be."""
SLICE_ROWS = 4_000
_POLL_SECONDS = 0.02


def compare(
    source: Connection,
    target: Connection,
    business_id: UUID,
    *,
    settle_seconds: float = 5.0,
    share: float = DATABASE_SHARE,
) -> Findings:
    """Compare all rows of the business. Keeps the databases busy for `share` of the time at most.

    Replication lag is not a difference: differing rows are read again from both databases until they agree, for at most
    `settle_seconds`.
    """
    began, throttle = time.monotonic(), ComparisonThrottle(share)
    bytewise = _collation(source) != _collation(target)
    compared_from = read_clock(source) - LONGEST_TRANSACTION
    tables = {table.name: table for table in read_tables(source)}
    there = {table.name: table for table in read_tables(target)}
    if tables != there:
        return _columns_differ(tables, there, compared_from, began)
    findings: dict[str, TableFinding] = {}
    differences: list[Difference] = []
    for table in tables.values():
        rows, suspects = _compare_slices(table, source, target, business_id, bytewise, throttle)
        left = unsettled_differences(table, suspects, source, target, business_id, settle_seconds)
        findings[table.name] = TableFinding(rows, not left)
        differences += left
    return build_findings(findings, differences, compared_from, began)


def build_findings(
    tables: dict[str, TableFinding], differences: list[Difference], compared_from: datetime, began: float
) -> Findings:
    return Findings(
        equal=not differences,
        tables=tables,
        differences=tuple(differences[:MAX_LISTED]),
        different=len(differences),
        compared_from=compared_from,
        took_ms=(time.monotonic() - began) * 1000,
    )


def read_clock(db: Connection) -> datetime:
    row = db.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None, "the query always returns a row"
    now: datetime = row[0]
    return now


def differences_of(table: Table, here: Rows, there: Rows) -> list[Difference]:
    """Describe each differing row."""
    return [
        Difference(table.name, format_key(key), _what(key, here, there))
        for key in sorted(differing_keys(here, there), key=format_key)
    ]


def _collation(db: Connection) -> tuple[object, ...]:
    row = db.execute(
        """
        SELECT d.datlocprovider::text, d.datcollate, to_jsonb(d)->>'datlocale', d.datcollversion
          FROM pg_database d WHERE d.datname = current_database()
        """
    ).fetchone()
    assert row is not None, "the current database exists"
    return row


def _compare_slices(
    table: Table,
    source: Connection,
    target: Connection,
    business_id: UUID,
    bytewise: bool,
    throttle: ComparisonThrottle,
) -> tuple[int, list[Key]]:
    """Return the number of rows, and the keys of the rows that differed on the first read."""
    rows, suspects, after = 0, list[Key](), None
    while True:
        throttle.begin()
        last = table.bound(source, business_id, after, SLICE_ROWS, bytewise=bytewise)
        here, there = (table.between(db, business_id, after, last, bytewise=bytewise) for db in (source, target))
        if here != there:
            read = [table.rows_between(db, business_id, after, last, bytewise=bytewise) for db in (source, target)]
            suspects += differing_keys(*read)
        rows, after = rows + here[0], last
        if after is None:
            return rows, suspects
        throttle.rest_after(table.name, here[0])


def unsettled_differences(
    table: Table, keys: list[Key], source: Connection, target: Connection, business_id: UUID, settle_seconds: float
) -> list[Difference]:
    """Return the differences that remain after rereading. A row that was equal once counts as replicated."""
    until = time.monotonic() + settle_seconds
    while keys:
        here, there = table.by_key(source, business_id, keys), table.by_key(target, business_id, keys)
        keys = [key for key in keys if here.get(key) != there.get(key)]
        if keys and time.monotonic() >= until:
            return differences_of(table, {key: here[key] for key in keys if key in here}, there)
        if keys:
            time.sleep(_POLL_SECONDS)
    return []


def differing_keys(here: Rows, there: Rows) -> set[Key]:
    """Return the keys of rows that differ or exist in one database only."""
    return {key for key in here.keys() | there.keys() if here.get(key) != there.get(key)}


def _what(key: tuple[str, ...], here: Rows, there: Rows) -> str:
    if key not in there:
        return "is missing at the target"
    return "is at the target only" if key not in here else "differs"


def _columns_differ(
    tables: dict[str, Table], there: dict[str, Table], compared_from: datetime, began: float
) -> Findings:
    names = sorted(name for name in tables.keys() | there.keys() if tables.get(name) != there.get(name))
    differences = [Difference(name, "its columns", "differ between the two databases") for name in names]
    return build_findings({}, differences, compared_from, began)
