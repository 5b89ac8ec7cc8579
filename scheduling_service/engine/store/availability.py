"""What times are taken."""

from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from scheduling_service.engine.database import Connection

LONGEST = timedelta(hours=24)
"""No appointment is longer (a CHECK says so), so one that reaches into a window begins at most this long before it."""


class Taken(NamedTuple):
    """`ranges` holds [provider, start, end], where provider is the 1-based place in the list asked for."""

    now: int
    rules_version: int
    ranges: list[list[int]]


def read_availability(
    db: Connection, business_id: UUID, providers: list[UUID], window: tuple[int, int], budget_ms: int
) -> Taken | None:
    """What is taken of the window, in seconds since 1970, its end excluded; None when there is no such business.

    One round trip, which gives up after `budget_ms`; index: appointment_by_provider. Ids go as text and instants as
    numbers, which psycopg's compiled half turns into parameters: this is the hottest statement there is.
    """
    row = db.reader.execute(
        "SELECT scheduling.read_availability(%s::uuid, %s::uuid[], %s, %s, %s::int)",
        (str(business_id), f"{{{','.join(map(str, providers))}}}", *window, budget_ms),
    ).fetchone()
    found: list[list[int]] | None = row[0] if row is not None else None
    if found is None:
        return None
    (_, now, rules_version), *ranges = found
    return Taken(now, rules_version, ranges)


def read_taken(
    db: Connection, business_id: UUID, provider_id: UUID, start: datetime, end: datetime, without: UUID | None
) -> list[tuple[int, int]]:
    """What is taken of [start, end), in seconds since 1970, by start. Index: appointment_by_provider."""
    return db.execute(
        """
        SELECT extract(epoch FROM starts_at)::bigint, extract(epoch FROM ends_at)::bigint
          FROM scheduling.appointment
         WHERE business_id = %s AND provider_id = %s AND status = 'booked'
           AND starts_at >= %s AND starts_at < %s AND ends_at > %s
           AND appointment_id IS DISTINCT FROM %s
         ORDER BY starts_at
        """,
        (business_id, provider_id, start - LONGEST, end, start, without),
    ).fetchall()
