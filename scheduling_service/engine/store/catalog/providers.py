"""Providers, and the offerings that they perform."""

from typing import Any
from uuid import UUID

from contracts.scheduling import models as m
from scheduling_service.engine.database import Connection
from scheduling_service.engine.store.catalog.wall_times import working_range
from scheduling_service.engine.store.catalog.weeks import read_schedules


def upsert_provider(
    db: Connection, business_id: UUID, provider_id: UUID, name: str, zone: str, active: bool, weight: int
) -> None:
    db.execute(
        """
        INSERT INTO scheduling.provider (business_id, provider_id, name, zone, active, weight)
        VALUES (%s, %s, %s, %s, %s, %s)
            ON CONFLICT (business_id, provider_id) DO UPDATE
           SET name = excluded.name, zone = excluded.zone, active = excluded.active, weight = excluded.weight
        """,
        (business_id, provider_id, name, zone, active, weight),
    )


def replace_offerings(db: Connection, business_id: UUID, provider_id: UUID, offering_ids: list[UUID]) -> None:
    """Replace the offerings that a provider performs with these."""
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


def read_providers(db: Connection, business_id: UUID, only: UUID | None = None) -> list[m.Provider]:
    """Return all providers, or only one, sorted by name, then id; in one round trip."""
    found = db.send_later(
        """
        SELECT p.provider_id, p.name, p.zone, p.active, p.weight,
               ARRAY (SELECT a.offering_id FROM scheduling.provider_offering a
                       WHERE a.business_id = p.business_id AND a.provider_id = p.provider_id
                       ORDER BY a.offering_id),
               ARRAY (SELECT ARRAY[h.weekday, h.opens_minute, h.closes_minute] FROM scheduling.weekly_hours h
                       WHERE h.business_id = p.business_id AND h.provider_id = p.provider_id
                         AND h.effective_from = '-infinity'
                       ORDER BY h.weekday, h.opens_minute)
          FROM scheduling.provider p
         WHERE p.business_id = $1 AND ($2::uuid IS NULL OR p.provider_id = $2)
         ORDER BY p.name, p.provider_id
        """,
        (business_id, only),
    )
    schedules = read_schedules(db, business_id, only)
    return [_provider(row, tuple(schedules.get(row[0], ()))) for row in db.rows_of(found)]


def provider_exists(db: Connection, business_id: UUID, provider_id: UUID) -> bool:
    return read_provider_zone(db, business_id, provider_id) is not None


def read_provider_zone(db: Connection, business_id: UUID, provider_id: UUID) -> str | None:
    row = db.execute(
        "SELECT zone FROM scheduling.provider WHERE business_id = %s AND provider_id = %s",
        (business_id, provider_id),
    ).fetchone()
    return None if row is None else str(row[0])


def count_providers(db: Connection, business_id: UUID) -> int:
    row = db.execute("SELECT count(*) FROM scheduling.provider WHERE business_id = %s", (business_id,)).fetchone()
    return 0 if row is None else int(row[0])


def _provider(row: tuple[Any, ...], schedules: tuple[m.Schedule, ...]) -> m.Provider:
    provider_id, name, zone, active, weight, offering_ids, hours = row
    return m.Provider(
        provider_id=provider_id,
        name=name,
        zone=zone,
        active=active,
        offering_ids=tuple(offering_ids),
        weekly_hours=tuple(working_range(*each) for each in hours),
        schedules=schedules,
        weight=weight,
    )
