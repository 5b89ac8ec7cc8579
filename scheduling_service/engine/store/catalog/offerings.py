"""Offerings. Most of their rules are stored in one jsonb column, so that a new rule needs no new column."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

import msgspec
from psycopg.types.json import Jsonb

from contracts.scheduling import models as m
from scheduling_service.engine.database import Connection

_COLUMNS = ("offering_id", "name", "duration_minutes", "step_minutes", "cancel_cutoff_minutes", "active")
_OWN_COLUMNS = {"step_minutes", "cancel_cutoff_minutes"}
_DEFAULTS: dict[str, Any] = {
    name: value for name, value in msgspec.to_builtins(m.OfferingRules()).items() if name not in _OWN_COLUMNS
}


def upsert_offering(db: Connection, business_id: UUID, offering: m.Offering) -> None:
    db.execute(
        """
        INSERT INTO scheduling.offering
               (business_id, offering_id, name, duration_minutes, step_minutes, cancel_cutoff_minutes, active, settings)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (business_id, offering_id) DO UPDATE
           SET name = excluded.name, duration_minutes = excluded.duration_minutes,
               step_minutes = excluded.step_minutes, cancel_cutoff_minutes = excluded.cancel_cutoff_minutes,
               active = excluded.active, settings = excluded.settings
        """,
        (
            business_id,
            offering.offering_id,
            offering.name,
            offering.duration_minutes,
            offering.step_minutes,
            offering.cancel_cutoff_minutes,
            offering.active,
            Jsonb(_settings(offering)),
        ),
    )


def read_offerings(db: Connection, business_id: UUID) -> list[m.Offering]:
    """Return all offerings, sorted by name, then id."""
    rows = db.query_rows(
        f"""
        SELECT settings, {", ".join(_COLUMNS)}
          FROM scheduling.offering WHERE business_id = $1 ORDER BY name, offering_id
        """,  # noqa: S608 - constants
        (business_id,),
    )
    return [_offering(settings, dict(zip(_COLUMNS, values, strict=True))) for settings, *values in rows]


def existing_offering_ids(db: Connection, business_id: UUID, offering_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the ids that exist."""
    rows = db.execute(
        "SELECT offering_id FROM scheduling.offering WHERE business_id = %s AND offering_id = ANY(%s)",
        (business_id, list(offering_ids)),
    ).fetchall()
    return {row[0] for row in rows}


def count_offerings(db: Connection, business_id: UUID) -> int:
    row = db.execute("SELECT count(*) FROM scheduling.offering WHERE business_id = %s", (business_id,)).fetchone()
    return 0 if row is None else int(row[0])


def _offering(settings: dict[str, Any], columns: dict[str, Any]) -> m.Offering:
    return msgspec.convert({**settings, **columns}, m.Offering)


def _settings(offering: m.Offering) -> dict[str, Any]:
    """Return the rules that differ from their defaults."""
    written = msgspec.to_builtins(offering)
    return {name: written[name] for name, default in _DEFAULTS.items() if written[name] != default}
