"""The history: every version of every appointment, and the actor that made it."""

from datetime import datetime
from uuid import UUID

import msgspec

from contracts.scheduling import models as m
from scheduling_service.engine.database import Connection


def read_history(db: Connection, business_id: UUID, appointment_id: UUID) -> list[m.Change]:
    """Return the changes, sorted by version. Index: primary key."""
    rows = db.execute(
        """
        SELECT version, at, actor, operation, overridden, after, reason
          FROM scheduling.history WHERE business_id = %s AND appointment_id = %s ORDER BY version
        """,
        (business_id, appointment_id),
    ).fetchall()
    changes: list[m.Change] = []
    before: m.Appointment | None = None
    for row in rows:
        changes.append(_change(row, before))
        before = changes[-1].after
    return changes


def _change(
    row: tuple[int, datetime, str, str, list[m.Overridden], bytes, str], before: m.Appointment | None
) -> m.Change:
    version, at, actor, operation, overridden, after, reason = row
    return m.Change(
        version=version,
        at=at,
        actor=actor,
        operation=operation,
        overridden=tuple(overridden),
        before=before,
        after=msgspec.json.decode(after, type=m.Appointment),
        reason=reason,
    )
