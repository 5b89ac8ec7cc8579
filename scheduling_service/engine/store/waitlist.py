"""Waitlist entries and their offers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from contracts.scheduling.models import WaitlistEntry, WaitlistStatus
from scheduling_service.engine.database import Connection

_ENTRY = """
    SELECT entry_id, offering_id, customer_id, starts_at AS start, ends_at AS end, provider_id, seats, offer_minutes,
           status, joined_at, appointment_id
      FROM scheduling.waitlist
"""


def insert_entry(db: Connection, business_id: UUID, e: WaitlistEntry) -> None:
    db.execute(
        """
        INSERT INTO scheduling.waitlist
               (business_id, entry_id, offering_id, customer_id, provider_id, starts_at, ends_at, seats, offer_minutes,
                status, joined_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (
            business_id,
            e.entry_id,
            e.offering_id,
            e.customer_id,
            e.provider_id,
            e.start,
            e.end,
            e.seats,
            e.offer_minutes,
            e.status,
            e.joined_at,
        ),
    )


def read_entry(db: Connection, business_id: UUID, entry_id: UUID, *, lock: bool = False) -> WaitlistEntry | None:
    """Return an entry, locked if `lock` is set. Index: primary key."""
    where = "WHERE business_id = %s AND entry_id = %s" + (" FOR UPDATE" if lock else "")
    return next(iter(_entries(db, _ENTRY + where, (business_id, entry_id))), None)


def read_page(
    db: Connection, business_id: UUID, filters: dict[str, Any], *, after: tuple[datetime, UUID] | None, limit: int
) -> list[WaitlistEntry]:
    """Return entries sorted by the time of joining, then id; a filter that is None matches all.

    Index: waitlist_by_join.
    """
    clauses: list[str] = ["business_id = %s"]
    values: list[Any] = [business_id]
    for column, value in filters.items():
        if value is not None:
            clauses.append(f"{column} = %s")
            values.append(value)
    if after is not None:
        clauses.append("(joined_at, entry_id) > (%s, %s)")
        values.extend(after)
    where = f"WHERE {' AND '.join(clauses)} ORDER BY joined_at, entry_id LIMIT %s"
    return _entries(db, _ENTRY + where, (*values, limit))


def read_waiting(
    db: Connection, business_id: UUID, *, offering_ids: Sequence[UUID], start: datetime, end: datetime, limit: int
) -> list[WaitlistEntry]:
    """Return the oldest waiting entries for these offerings whose windows overlap [start, end).

    Index: waitlist_waiting.
    """
    where = """
         WHERE business_id = %s AND status = 'waiting' AND offering_id = ANY (%s) AND starts_at < %s AND ends_at > %s
         ORDER BY joined_at, entry_id LIMIT %s
    """
    return _entries(db, _ENTRY + where, (business_id, list(offering_ids), end, start, limit))


def read_all_waiting(db: Connection, business_id: UUID, limit: int) -> list[WaitlistEntry]:
    """Return the oldest waiting entries whose windows have not ended. Index: waitlist_waiting."""
    where = """
         WHERE business_id = %s AND status = 'waiting' AND ends_at > clock_timestamp()
         ORDER BY joined_at, entry_id LIMIT %s
    """
    return _entries(db, _ENTRY + where, (business_id, limit))


def lock_if_waiting(db: Connection, business_id: UUID, entry_id: UUID) -> bool:
    """Lock an entry; False if it is no longer waiting or another transaction has locked it. Index: primary key."""
    where = "WHERE business_id = %s AND entry_id = %s AND status = 'waiting' FOR UPDATE SKIP LOCKED"
    return bool(_entries(db, _ENTRY + where, (business_id, entry_id)))


def mark_offered(db: Connection, business_id: UUID, entry_id: UUID, appointment_id: UUID) -> None:
    """Index: primary key."""
    db.execute(
        """
        UPDATE scheduling.waitlist SET status = 'offered', appointment_id = %s WHERE business_id = %s AND entry_id = %s
        """,
        (appointment_id, business_id, entry_id),
    )


def mark_left(db: Connection, business_id: UUID, entry_id: UUID) -> None:
    """Index: primary key."""
    db.execute(
        "UPDATE scheduling.waitlist SET status = 'left' WHERE business_id = %s AND entry_id = %s",
        (business_id, entry_id),
    )


def end_offer(db: Connection, business_id: UUID, appointment_id: UUID, status: WaitlistStatus) -> None:
    """Set the final status of the entry that was offered this hold, if there is one. Index: waitlist_by_offer."""
    db.execute(
        """
        UPDATE scheduling.waitlist SET status = %s
         WHERE business_id = %s AND appointment_id = %s AND status = 'offered'
        """,
        (status, business_id, appointment_id),
    )


def lapse_past_entries(db: Connection, business_id: UUID, limit: int) -> None:
    """Mark waiting entries whose windows have ended as lapsed. Index: waitlist_waiting."""
    db.execute(
        """
        UPDATE scheduling.waitlist w SET status = 'lapsed'
          FROM (SELECT entry_id FROM scheduling.waitlist
                 WHERE business_id = %s AND status = 'waiting' AND ends_at <= clock_timestamp()
                 LIMIT %s FOR UPDATE SKIP LOCKED) AS passed
         WHERE w.business_id = %s AND w.entry_id = passed.entry_id
        """,
        (business_id, limit, business_id),
    )


def _entries(db: Connection, query: str, values: Sequence[Any]) -> list[WaitlistEntry]:
    with db.cursor(row_factory=class_row(WaitlistEntry)) as cursor:
        return cursor.execute(query, values).fetchall()
