"""After a run: what clients were told stands, nobody has what somebody else has, and nothing is there unasked."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from loadtests.generator.rows import RawRow

Administrator = psycopg.Connection[tuple[Any, ...]]
_NAMED_AT_MOST = 3


def find_violations(rows: Sequence[RawRow], db: Administrator, since: datetime) -> list[str]:
    """In sentences; none when all is well. `db` is the database that owns the businesses; `since` is its clock before
    the run."""
    found = []
    if overlapping := _overlapping(db):
        found.append(f"{overlapping} pairs of appointments overlap")
    told = _told(rows)
    standing = {str(row[0]): (row[1], row[2]) for row in _made(db, since)}
    unknown = sum(row.outcome == "error" and row.journey in _WRITES for row in rows)
    missing = [each for each in told if each not in standing]
    if missing:
        found.append(f"{len(missing)} acknowledged bookings are not there: {', '.join(missing[:_NAMED_AT_MOST])}")
    # With an unknown outcome a later change may stand that nobody was told of.
    wrong = [] if unknown else [each for each, said in told.items() if each in standing and standing[each] != said]
    if wrong:
        found.append(f"{len(wrong)} appointments are not what clients were told: {', '.join(wrong[:_NAMED_AT_MOST])}")
    unasked = standing.keys() - told.keys()
    if len(unasked) > unknown:
        found.append(f"{len(unasked)} bookings stand that nobody was told of, and {unknown} outcomes are unknown")
    return found


_WRITES = ("book", "cancel", "reschedule")


def _told(rows: Sequence[RawRow]) -> dict[str, tuple[str, int]]:
    """The last state and version of each appointment that a client was told."""
    last: dict[str, tuple[str, int]] = {}
    for row in rows:
        if row.appointment_id and row.version > last.get(row.appointment_id, ("", 0))[1]:
            last[row.appointment_id] = (row.state, row.version)
    return last


def _made(db: Administrator, since: datetime) -> list[tuple[Any, ...]]:
    return db.execute(
        "SELECT appointment_id, status, version FROM scheduling.appointment WHERE booked_at >= %s", (since,)
    ).fetchall()


def _overlapping(db: Administrator) -> int:
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
