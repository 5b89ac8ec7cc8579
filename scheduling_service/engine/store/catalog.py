"""The business, its offerings, its providers and their hours."""

from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from contracts.scheduling.models import Offering
from scheduling_service.engine.database import Connection


def open_business(db: Connection, business_id: UUID, name: str, zone: str) -> None:
    db.execute("INSERT INTO scheduling.lease (business_id, active, epoch) VALUES (%s, true, 1)", (business_id,))
    db.execute(
        "INSERT INTO scheduling.business (business_id, name, zone) VALUES (%s, %s, %s)",
        (business_id, name, zone),
    )


def read_business(db: Connection, business_id: UUID) -> tuple[str, str, int, int] | None:
    """Name, zone, rules' version and epoch."""
    return db.execute(
        """
        SELECT b.name, b.zone, b.rules_version, coalesce(l.epoch, 1)
          FROM scheduling.business b
          LEFT JOIN scheduling.lease l USING (business_id)
         WHERE b.business_id = %s
        """,
        (business_id,),
    ).fetchone()


def bump_rules(db: Connection, business_id: UUID) -> None:
    db.execute(
        "UPDATE scheduling.business SET rules_version = rules_version + 1 WHERE business_id = %s",
        (business_id,),
    )


def put_offering(db: Connection, business_id: UUID, offering: Offering) -> None:
    db.execute(
        """
        INSERT INTO scheduling.offering
               (business_id, offering_id, name, duration_minutes, step_minutes, cancel_cutoff_minutes, active)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (business_id, offering_id) DO UPDATE
           SET name = excluded.name, duration_minutes = excluded.duration_minutes,
               step_minutes = excluded.step_minutes, cancel_cutoff_minutes = excluded.cancel_cutoff_minutes,
               active = excluded.active
        """,
        (
            business_id,
            offering.offering_id,
            offering.name,
            offering.duration_minutes,
            offering.step_minutes,
            offering.cancel_cutoff_minutes,
            offering.active,
        ),
    )


def read_offerings(db: Connection, business_id: UUID) -> list[Offering]:
    with db.cursor(row_factory=class_row(Offering)) as cursor:
        return cursor.execute(
            """
            SELECT offering_id, name, duration_minutes, step_minutes, cancel_cutoff_minutes, active
              FROM scheduling.offering WHERE business_id = %s ORDER BY name, offering_id
            """,
            (business_id,),
        ).fetchall()


def put_provider(db: Connection, business_id: UUID, provider_id: UUID, name: str, zone: str, active: bool) -> None:
    db.execute(
        """
        INSERT INTO scheduling.provider (business_id, provider_id, name, zone, active) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (business_id, provider_id) DO UPDATE
           SET name = excluded.name, zone = excluded.zone, active = excluded.active
        """,
        (business_id, provider_id, name, zone, active),
    )


def assign(db: Connection, business_id: UUID, provider_id: UUID, offering_ids: list[UUID]) -> None:
    """Make `offering_ids` the provider's whole set."""
    db.execute(
        "DELETE FROM scheduling.provider_offering WHERE business_id = %s AND provider_id = %s",
        (business_id, provider_id),
    )
    db.execute(
        """
        INSERT INTO scheduling.provider_offering (business_id, provider_id, offering_id)
        SELECT %s, %s, unnest(%s::uuid[])
        """,
        (business_id, provider_id, offering_ids),
    )


def replace_hours(db: Connection, business_id: UUID, provider_id: UUID, ranges: list[tuple[int, int, int]]) -> None:
    """Make `ranges` (ISO weekday, opens, closes in minutes) the provider's whole week."""
    db.execute(
        "DELETE FROM scheduling.weekly_hours WHERE business_id = %s AND provider_id = %s",
        (business_id, provider_id),
    )
    weekdays, opens, closes = ([r[column] for r in ranges] for column in range(3))
    db.execute(
        """
        INSERT INTO scheduling.weekly_hours (business_id, provider_id, weekday, opens_minute, closes_minute)
        SELECT %s, %s, h.weekday, h.opens, h.closes
          FROM unnest(%s::smallint[], %s::smallint[], %s::smallint[]) AS h (weekday, opens, closes)
        """,
        (business_id, provider_id, weekdays, opens, closes),
    )


def read_providers(db: Connection, business_id: UUID) -> list[tuple[Any, ...]]:
    """Id, name, zone, active, offering ids, and hours as arrays [weekday, opens, closes], by name and id."""
    return db.execute(
        """
        SELECT p.provider_id, p.name, p.zone, p.active,
               ARRAY (SELECT a.offering_id FROM scheduling.provider_offering a
                       WHERE a.business_id = p.business_id AND a.provider_id = p.provider_id
                       ORDER BY a.offering_id),
               ARRAY (SELECT ARRAY[h.weekday, h.opens_minute, h.closes_minute] FROM scheduling.weekly_hours h
                       WHERE h.business_id = p.business_id AND h.provider_id = p.provider_id
                       ORDER BY h.weekday, h.opens_minute)
          FROM scheduling.provider p WHERE p.business_id = %s ORDER BY p.name, p.provider_id
        """,
        (business_id,),
    ).fetchall()


def read_provider_zone(db: Connection, business_id: UUID, provider_id: UUID) -> str | None:
    row = db.execute(
        "SELECT zone FROM scheduling.provider WHERE business_id = %s AND provider_id = %s",
        (business_id, provider_id),
    ).fetchone()
    return None if row is None else str(row[0])
