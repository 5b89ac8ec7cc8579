"""The weeks of a provider: the regular week, and dated weeks.

A dated week is identified by its first date. The regular week has '-infinity' there, a date that Python cannot
represent, so it occurs only inside the statements.
"""

from datetime import date
from uuid import UUID

from contracts.scheduling import models as m
from scheduling_service.engine.database import Connection
from scheduling_service.engine.store.catalog.wall_times import sorted_week, to_columns, working_range


def upsert_schedule(db: Connection, business_id: UUID, provider_id: UUID, first: date, last: date | None) -> None:
    """Store the dates of a dated week; `replace_week` stores its ranges."""
    db.execute(
        """
        INSERT INTO scheduling.schedule (business_id, provider_id, effective_from, effective_until)
        VALUES (%s, %s, %s, %s)
            ON CONFLICT (business_id, provider_id, effective_from) DO UPDATE
           SET effective_until = excluded.effective_until
        """,
        (business_id, provider_id, first, last),
    )


def delete_schedule(db: Connection, business_id: UUID, provider_id: UUID, first: date) -> None:
    db.execute(
        "DELETE FROM scheduling.schedule WHERE business_id = %s AND provider_id = %s AND effective_from = %s",
        (business_id, provider_id, first),
    )


def replace_week(
    db: Connection, business_id: UUID, provider_id: UUID, first: date | None, ranges: tuple[m.WeeklyRange, ...]
) -> None:
    """Replace the ranges of the week that begins on `first`, or of the regular week if `first` is None."""
    db.execute(
        """
        DELETE FROM scheduling.weekly_hours
         WHERE business_id = %s AND provider_id = %s AND effective_from = coalesce(%s::date, '-infinity')
        """,
        (business_id, provider_id, first),
    )
    db.execute(
        """
        INSERT INTO scheduling.weekly_hours
               (business_id, provider_id, effective_from, weekday, opens_minute, closes_minute)
        SELECT %s, %s, coalesce(%s::date, '-infinity'), h.weekday, h.opens, h.closes
          FROM unnest(%s::smallint[], %s::smallint[], %s::smallint[]) AS h (weekday, opens, closes)
        """,
        (business_id, provider_id, first, *to_columns(sorted_week(ranges), 3)),
    )


def read_schedules(db: Connection, business_id: UUID, only: UUID | None = None) -> dict[UUID, list[m.Schedule]]:
    """Return the dated weeks by provider, sorted by first date; with `only`, of that provider."""
    rows = db.query_rows(
        """
        SELECT s.provider_id, s.effective_from, s.effective_until,
               ARRAY (SELECT ARRAY[h.weekday, h.opens_minute, h.closes_minute] FROM scheduling.weekly_hours h
                       WHERE h.business_id = s.business_id AND h.provider_id = s.provider_id
                         AND h.effective_from = s.effective_from
                       ORDER BY h.weekday, h.opens_minute)
          FROM scheduling.schedule s
         WHERE s.business_id = $1 AND ($2::uuid IS NULL OR s.provider_id = $2)
         ORDER BY s.provider_id, s.effective_from
        """,
        (business_id, only),
    )
    found: dict[UUID, list[m.Schedule]] = {}
    for provider_id, first, last, hours in rows:
        ranges = tuple(working_range(*each) for each in hours)
        found.setdefault(provider_id, []).append(m.Schedule(effective_from=first, effective_until=last, ranges=ranges))
    return found


def count_schedules(db: Connection, business_id: UUID, provider_id: UUID, excluding: date) -> int:
    """Return the number of dated weeks, without the one that begins on `excluding`."""
    row = db.execute(
        """
        SELECT count(*) FROM scheduling.schedule
         WHERE business_id = %s AND provider_id = %s AND effective_from <> %s
        """,
        (business_id, provider_id, excluding),
    ).fetchone()
    return 0 if row is None else int(row[0])
