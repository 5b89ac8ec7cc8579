"""Appointments."""

from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from contracts.scheduling.models import Appointment
from scheduling_service.engine.database import Connection
from scheduling_service.engine.store.availability import LONGEST

_NAMED = """
    SELECT a.appointment_id, a.offering_id, o.name AS offering_name, a.provider_id, p.name AS provider_name,
           a.customer_id, a.starts_at, a.ends_at, a.zone, a.status, a.version, a.note, a.booked_at,
           a.cancelled_at, a.cancel_reason, a.cancelled_in_time
      FROM {} a
      JOIN scheduling.offering o USING (business_id, offering_id)
      JOIN scheduling.provider p USING (business_id, provider_id)
"""
_APPOINTMENT = _NAMED.format("scheduling.appointment")
_LOCKED = _NAMED.format(
    "(SELECT * FROM scheduling.appointment WHERE business_id = %s AND appointment_id = %s FOR NO KEY UPDATE)"
)


def read_appointment(db: Connection, business_id: UUID, appointment_id: UUID) -> Appointment | None:
    """Index: primary key."""
    where = "WHERE a.business_id = %s AND a.appointment_id = %s"
    return next(iter(_appointments(db, _APPOINTMENT + where, (business_id, appointment_id))), None)


def lock_appointment(db: Connection, business_id: UUID, appointment_id: UUID) -> Appointment | None:
    """As it stands once nobody else is changing it, and nobody will until the transaction ends. Index: primary key."""
    # Locked before it is joined. When the lock had to be waited for, Postgres checks a join again with the names it had
    # read before, and would lose an appointment that was moved to another provider meanwhile.
    return next(iter(_appointments(db, _LOCKED, (business_id, appointment_id))), None)


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


def move_appointment(db: Connection, business_id: UUID, a: Appointment) -> None:
    """Raises psycopg's ExclusionViolation when another appointment has the time. Index: primary key.

    Moves to one provider take turns at the provider's row. An UPDATE enters the constraint's index before it looks
    there for others, so two at once would each wait for the other, until the deadlock is detected a second later.
    """
    db.execute(
        """
        WITH turn AS (
            SELECT provider_id FROM scheduling.provider WHERE business_id = %s AND provider_id = %s FOR NO KEY UPDATE
        )
        UPDATE scheduling.appointment
           SET provider_id = turn.provider_id, starts_at = %s, ends_at = %s, zone = %s, version = %s
          FROM turn
         WHERE business_id = %s AND appointment_id = %s
        """,
        (
            business_id,
            a.provider_id,
            a.starts_at,
            a.ends_at,
            a.zone,
            a.version,
            business_id,
            a.appointment_id,
        ),
    )


def cancel_appointment(db: Connection, business_id: UUID, a: Appointment) -> None:
    """Index: primary key."""
    db.execute(
        """
        UPDATE scheduling.appointment
           SET status = %s, version = %s, cancelled_at = %s, cancel_reason = %s, cancelled_in_time = %s
         WHERE business_id = %s AND appointment_id = %s
        """,
        (
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
    where = f"WHERE {' AND '.join(clauses)} ORDER BY a.starts_at, a.appointment_id LIMIT %s"
    return _appointments(db, _APPOINTMENT + where, (*values, limit))


def read_agenda(
    db: Connection, business_id: UUID, provider_id: UUID, start: datetime, end: datetime
) -> list[Appointment]:
    """Index: appointment_by_provider."""
    where = """
        WHERE a.business_id = %s AND a.provider_id = %s AND a.status = 'booked'
          AND a.starts_at >= %s AND a.starts_at < %s AND a.ends_at > %s
        ORDER BY a.starts_at, a.appointment_id
    """
    return _appointments(db, _APPOINTMENT + where, (business_id, provider_id, start - LONGEST, end, start))


def _appointments(db: Connection, query: str, values: tuple[Any, ...]) -> list[Appointment]:
    with db.cursor(row_factory=class_row(Appointment)) as cursor:
        return cursor.execute(query, values).fetchall()
