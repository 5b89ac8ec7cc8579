"""Date overrides of providers, and holidays of the business."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from contracts.scheduling import models as m
from scheduling_service.engine.database import Connection
from scheduling_service.engine.store.catalog.wall_times import day_range, sorted_minutes, to_columns


def sorted_ranges(ranges: Iterable[m.DayRange]) -> tuple[m.DayRange, ...]:
    """Return the ranges as a later read returns them: sorted, and midnight at the end of a day as 24:00."""
    return tuple(day_range(*minutes) for minutes in sorted_minutes(ranges))


def upsert_override(db: Connection, business_id: UUID, override: m.DateOverride) -> None:
    opens, closes = to_columns(sorted_minutes(override.ranges), 2)
    db.execute(
        """
        INSERT INTO scheduling.date_override (business_id, provider_id, date, mode, opens, closes)
        VALUES (%s, %s, %s, %s, %s::smallint[], %s::smallint[])
            ON CONFLICT (business_id, provider_id, date) DO UPDATE
           SET mode = excluded.mode, opens = excluded.opens, closes = excluded.closes
        """,
        (business_id, override.provider_id, override.date, override.mode, opens, closes),
    )


def delete_override(db: Connection, business_id: UUID, provider_id: UUID, day: date) -> None:
    db.execute(
        "DELETE FROM scheduling.date_override WHERE business_id = %s AND provider_id = %s AND date = %s",
        (business_id, provider_id, day),
    )


def count_overrides(db: Connection, business_id: UUID, provider_id: UUID, excluding: date) -> int:
    """Return the number of current and future overrides, without the one on `excluding`."""
    row = db.execute(
        """
        SELECT count(*) FROM scheduling.date_override
         WHERE business_id = %s AND provider_id = %s AND date <> %s AND date >= (now() AT TIME ZONE 'UTC')::date - 2
        """,
        (business_id, provider_id, excluding),
    ).fetchone()
    return 0 if row is None else int(row[0])


def list_overrides(
    db: Connection, business_id: UUID, provider_id: UUID, first: date, last: date
) -> list[m.DateOverride]:
    """Return the overrides from `first` to `last`, both included, sorted by date."""
    rows = db.execute(
        """
        SELECT provider_id, date, mode, opens, closes FROM scheduling.date_override
         WHERE business_id = %s AND provider_id = %s AND date BETWEEN %s AND %s ORDER BY date
        """,
        (business_id, provider_id, first, last),
    ).fetchall()
    return [_override(row) for row in rows]


def read_overrides(db: Connection, business_id: UUID) -> list[m.DateOverride]:
    """Return the overrides of all providers that may still have an effect.

    A range may extend past midnight, so a date can still be open in some zone when it is two days later in UTC.
    """
    rows = db.execute(
        """
        SELECT provider_id, date, mode, opens, closes FROM scheduling.date_override
         WHERE business_id = %s AND date >= (now() AT TIME ZONE 'UTC')::date - 2
        """,
        (business_id,),
    ).fetchall()
    return [_override(row) for row in rows]


def replace_holidays(db: Connection, business_id: UUID, holidays: Sequence[m.Holiday]) -> None:
    """Replace the business's holidays with these."""
    db.execute("DELETE FROM scheduling.holiday WHERE business_id = %s", (business_id,))
    db.execute(
        """
        INSERT INTO scheduling.holiday (business_id, date, name)
        SELECT %s, h.date, h.name FROM unnest(%s::date[], %s::text[]) AS h (date, name)
        """,
        (business_id, [each.date for each in holidays], [each.name for each in holidays]),
    )


def read_holidays(db: Connection, business_id: UUID) -> list[m.Holiday]:
    """Return all holidays, past ones included, sorted by date. A business has at most 400."""
    with db.cursor(row_factory=class_row(m.Holiday)) as cursor:
        return cursor.execute(
            "SELECT date, name FROM scheduling.holiday WHERE business_id = %s ORDER BY date", (business_id,)
        ).fetchall()


def _override(row: tuple[Any, ...]) -> m.DateOverride:
    provider_id, day, mode, opens, closes = row
    ranges = tuple(map(day_range, opens, closes))
    return m.DateOverride(provider_id=provider_id, date=day, mode=mode, ranges=ranges)
