"""Appointments."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from contracts.scheduling.models import Appointment
from scheduling_service.engine.database import Connection
from scheduling_service.engine.store.availability import LONGEST

_APPOINTMENT = """
    SELECT a.appointment_id, a.offering_id, o.name AS offering_name, a.provider_id, p.name AS provider_name,
           a.customer_id, a.starts_at, a.ends_at, a.zone, a.status, a.version, a.note, a.booked_at,
           a.cancelled_at, a.cancel_reason, a.cancelled_in_time
      FROM scheduling.appointment a
      JOIN scheduling.offering o USING (business_id, offering_id)
      JOIN scheduling.provider p USING (business_id, provider_id)
"""


def _appointments(db: Connection, clauses: str, values: tuple[Any, ...]) -> list[Appointment]:
    with db.cursor(row_factory=class_row(Appointment)) as cursor:
        return cursor.execute(_APPOINTMENT + clauses, values).fetchall()


def read_appointment(
    db: Connection, business_id: UUID, appointment_id: UUID, *, to_change: bool = False
) -> Appointment | None:
    """`to_change` locks the row until the transaction ends. Index: primary key."""
    found = _appointments(
        db,
        "WHERE a.business_id = %s AND a.appointment_id = %s" + (" FOR NO KEY UPDATE OF a" if to_change else ""),
        (business_id, appointment_id),
    )
    return found[0] if found else None


def insert_appointment(db: Connection, business_id: UUID, a: Appointment) -> bool:
    """False when another appointment has the time: the constraint decides, without raising and without deadlocks."""
    cursor = db.execute(
        """
        INSERT INTO scheduling.appointment
               (business_id, appointment_id, offering_id, provider_id, customer_id, starts_at, ends_at, zone,
                status, version, note, booked_at)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s, 'booked', 1, %s, %s)
            ON CONFLICT DO NOTHING
        """,
        (
            business_id,
            a.appointment_id,
            a.offering_id,
            a.provider_id,
            a.customer_id,
            a.starts_at,
            a.ends_at,
            a.zone,
            a.note,
            a.booked_at,
        ),
    )
    return cursor.rowcount == 1


def update_appointment(db: Connection, business_id: UUID, a: Appointment) -> None:
    """Raises psycopg's ExclusionViolation when another appointment has the time. Index: primary key."""
    db.execute(
        """
        UPDATE scheduling.appointment
           SET provider_id = %s, starts_at = %s, ends_at = %s, zone = %s, status = %s, version = %s,
               cancelled_at = %s, cancel_reason = %s, cancelled_in_time = %s
         WHERE business_id = %s AND appointment_id = %s
        """,
        (
            a.provider_id,
            a.starts_at,
            a.ends_at,
            a.zone,
            a.status,
            a.version,
            a.cancelled_at,
            a.cancel_reason,
            a.cancelled_in_time,
            business_id,
            a.appointment_id,
        ),
    )


def read_page(
    db: Connection,
    business_id: UUID,
    *,
    customer_id: UUID | None,
    provider_id: UUID | None,
    status: str | None,
    start: datetime | None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Appointment]:
    """By start, then id. Index: appointment_by_customer, appointment_by_provider or appointment_by_start."""
    clauses = ["a.business_id = %s"]
    values: list[Any] = [business_id]
    conditions: list[tuple[str, Any]] = [
        ("a.customer_id = %s", customer_id),
        ("a.provider_id = %s", provider_id),
        ("a.status = %s", status),
        ("a.starts_at >= %s", start),
    ]
    for clause, value in conditions:
        if value is not None:
            clauses.append(clause)
            values.append(value)
    if after is not None:
        clauses.append("(a.starts_at, a.appointment_id) > (%s, %s)")
        values.extend(after)
    return _appointments(
        db,
        f"WHERE {' AND '.join(clauses)} ORDER BY a.starts_at, a.appointment_id LIMIT %s",
        (*values, limit),
    )


def read_agenda(
    db: Connection, business_id: UUID, provider_id: UUID, start: datetime, end: datetime
) -> list[Appointment]:
    """Index: appointment_by_provider."""
    return _appointments(
        db,
        """
        WHERE a.business_id = %s AND a.provider_id = %s AND a.status = 'booked'
          AND a.starts_at >= %s AND a.starts_at < %s AND a.ends_at > %s
        ORDER BY a.starts_at, a.appointment_id
        """,
        (business_id, provider_id, start - LONGEST, end, start),
    )
