"""Correctness of a run: acknowledged bookings are stored, none overlap, and none are unexplained."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from loadtests.generator.rows import RawRow

Administrator = psycopg.Connection[tuple[Any, ...]]
_MAX_NAMED = 3
_WRITES = ("book", "cancel", "reschedule")


def find_violations(rows: Sequence[RawRow], db: Administrator, since: datetime) -> list[str]:
    """Return one sentence per kind of violation; empty when all is correct.

    `db` is the database that owns the businesses; `since` is its clock before the run.
    """
    found = []
    if overlapping := _count_overlaps(db):
        found.append(f"{overlapping} pairs of appointments overlap")
    acknowledged = _last_acknowledged(rows)
    stored = {str(row[0]): (row[1], row[2]) for row in _created_since(db, since)}
    unknown = sum(row.outcome == "error" and row.journey in _WRITES for row in rows)
    missing = [each for each in acknowledged if each not in stored]
    if missing:
        found.append(f"{len(missing)} acknowledged bookings are missing: {', '.join(missing[:_MAX_NAMED])}")
    # After an unknown outcome, the stored state may be later than the acknowledged one.
    wrong = [] if unknown else [each for each, last in acknowledged.items() if stored.get(each, last) != last]
    if wrong:
        found.append(f"{len(wrong)} appointments differ from their acknowledgement: {', '.join(wrong[:_MAX_NAMED])}")
    unexplained = stored.keys() - acknowledged.keys()
    if len(unexplained) > unknown:
        found.append(f"{len(unexplained)} stored bookings were never acknowledged; {unknown} outcomes are unknown")
    return found


def _last_acknowledged(rows: Sequence[RawRow]) -> dict[str, tuple[str, int]]:
    """Return the acknowledged state and version of each appointment, from its highest version."""
    last: dict[str, tuple[str, int]] = {}
    for row in rows:
        if row.appointment_id and row.version > last.get(row.appointment_id, ("", 0))[1]:
            last[row.appointment_id] = (row.state, row.version)
    return last


def _created_since(db: Administrator, since: datetime) -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT appointment_id, status, version FROM scheduling.appointment WHERE booked_at >= %s", (since,)
    ).fetchall()


def _count_overlaps(db: Administrator) -> int:
    row = db.execute(
        """
        WITH active AS (
            SELECT appointment_id, provider_id, starts_at, ends_at,
                   max(ends_at) OVER (PARTITION BY business_id, provider_id ORDER BY starts_at, appointment_id
                                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS taken_until
              FROM scheduling.appointment WHERE status IN ('held', 'pending', 'booked'))
        SELECT count(*) FROM active WHERE starts_at < taken_until
        """
    ).fetchone()
    assert row is not None
    return int(row[0])
