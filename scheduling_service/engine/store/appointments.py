"""Appointments; every change is stored together with its history entry."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from psycopg.rows import dict_row, kwargs_row

from contracts.scheduling.models import Appointment
from scheduling_service.engine.connection import NamedParameters
from scheduling_service.engine.database import Connection

_WITH_NAMES = """
    SELECT a.appointment_id, a.offering_id, o.name AS offering_name, a.provider_id, p.name AS provider_name,
           a.customer_id, a.starts_at, a.ends_at, a.zone, a.status, a.version, a.note, a.booked_at, a.cancelled_at,
           a.cancel_reason, a.cancelled_in_time, a.provider_ids, a.resource_ids, a.seats, a.hold_expires_at,
           a.series_id, a.visit_id, a.overbooked, a.reschedules, a.fee_percent{extra}
      FROM {source} a
      JOIN scheduling.offering o USING (business_id, offering_id)
      JOIN scheduling.provider p USING (business_id, provider_id)
"""
_APPOINTMENT = _WITH_NAMES.format(source="scheduling.appointment", extra="")
# The rows are locked before the join. After waiting for a lock, Postgres rechecks a join against the rows it had joined
# before, and would drop an appointment that was moved to another provider.
_LOCKED = _WITH_NAMES.format(
    source="(SELECT * FROM scheduling.appointment WHERE {where} ORDER BY appointment_id FOR NO KEY UPDATE {skip})",
    extra=", a.session_id",
)
_ONE = "business_id = %s AND appointment_id = %s"
_OVERDUE = "business_id = %s AND status = 'held' AND hold_expires_at <= clock_timestamp()"

_OLDEST_OVERDUE = """
    appointment_id IN (
        SELECT appointment_id FROM scheduling.appointment
         WHERE business_id = %s AND status = 'held' AND hold_expires_at <= clock_timestamp()
         ORDER BY hold_expires_at LIMIT %s FOR NO KEY UPDATE SKIP LOCKED)
    AND business_id = %s
"""
_BLOCKING = """
    AND appointment_id IN (
        WITH holder AS (
            SELECT holder_id FROM scheduling.claim
             WHERE business_id = %s AND resource_id = ANY (%s) AND starts_at < %s AND ends_at > %s AND starts_at > %s)
        SELECT holder_id FROM holder
         UNION ALL
        SELECT appointment_id FROM scheduling.appointment
         WHERE business_id = %s AND session_id IN (SELECT holder_id FROM holder))
"""


def _with_history(change: str) -> NamedParameters:
    """Return a statement that makes the change and inserts its history entry."""
    return NamedParameters(f"""{change}
        INSERT INTO scheduling.history
               (business_id, appointment_id, version, at, actor, operation, overridden, after, reason)
        VALUES (%(business_id)s, %(appointment_id)s, %(version)s, %(at)s, %(actor)s, %(operation)s, %(overridden)s,
                %(after)s, %(reason)s)
    """)  # noqa: S608 - `change` is one of two constants


_INSERT = _with_history(
    """
    WITH made AS (
        INSERT INTO scheduling.appointment
               (business_id, appointment_id, offering_id, provider_id, customer_id, starts_at, ends_at, zone, status,
                version, note, booked_at, provider_ids, resource_ids, seats, hold_expires_at, series_id, visit_id,
                overbooked, session_id)
        VALUES (%(business_id)s, %(appointment_id)s, %(offering_id)s, %(provider_id)s, %(customer_id)s, %(starts_at)s,
                %(ends_at)s, %(zone)s, %(status)s, %(version)s, %(note)s, %(booked_at)s, %(provider_ids)s,
                %(resource_ids)s, %(seats)s, %(hold_expires_at)s, %(series_id)s, %(visit_id)s, %(overbooked)s,
                %(session_id)s))
"""
)
_UPDATE = _with_history(
    """
    WITH changed AS (
        UPDATE scheduling.appointment
           SET provider_id = %(provider_id)s, starts_at = %(starts_at)s, ends_at = %(ends_at)s, zone = %(zone)s,
               status = %(status)s, version = %(version)s, note = %(note)s, booked_at = %(booked_at)s,
               cancelled_at = %(cancelled_at)s, cancel_reason = %(cancel_reason)s,
               cancelled_in_time = %(cancelled_in_time)s, provider_ids = %(provider_ids)s,
               resource_ids = %(resource_ids)s, hold_expires_at = %(hold_expires_at)s, overbooked = %(overbooked)s,
               reschedules = %(reschedules)s, fee_percent = %(fee_percent)s, session_id = %(session_id)s
         WHERE business_id = %(business_id)s AND appointment_id = %(appointment_id)s)
"""
)


class LockedAppointment(NamedTuple):
    """An appointment that is locked until the transaction ends."""

    appointment: Appointment
    session_id: UUID | None

    @property
    def provider_and_resource_ids(self) -> list[UUID]:
        """All providers and resources that the appointment occupies."""
        return [self.appointment.provider_id, *self.appointment.provider_ids, *self.appointment.resource_ids]


class HistoryEntry(NamedTuple):
    """A history entry. `after` is the appointment as encoded by the contract."""

    actor: str
    operation: str
    overridden: Sequence[str]
    after: bytes
    reason: str = ""


def read_appointment(db: Connection, business_id: UUID, appointment_id: UUID) -> Appointment | None:
    """Index: primary key."""
    where = "WHERE a.business_id = %s AND a.appointment_id = %s"
    return next(iter(_appointments(db, _APPOINTMENT + where, (business_id, appointment_id))), None)


def lock_appointment(db: Connection, business_id: UUID, appointment_id: UUID) -> LockedAppointment | None:
    """Lock and return an appointment; waits for other transactions. Index: primary key."""
    return next(iter(_locked(db, _ONE, (business_id, appointment_id))), None)


def lock_series(db: Connection, business_id: UUID, series_id: UUID) -> list[LockedAppointment]:
    """Lock the appointments of a series; return them sorted by start. Index: appointment_by_series."""
    found = _locked(db, "business_id = %s AND series_id = %s", (business_id, series_id))
    return sorted(found, key=lambda each: (each.appointment.starts_at, each.appointment.appointment_id))


def lock_overdue_holds(db: Connection, business_id: UUID, limit: int) -> list[LockedAppointment]:
    """Lock the holds that have been overdue longest, skipping locked ones. Index: appointment_overdue."""
    return _locked(db, _OLDEST_OVERDUE, (business_id, limit, business_id))


def lock_blocking_holds(
    db: Connection, business_id: UUID, resources: Sequence[UUID], start: datetime, end: datetime, *, wait: bool
) -> list[LockedAppointment]:
    """Lock the overdue holds that occupy an interval, alone or with a seat; without `wait`, skip locked ones.

    Index: claim_by_time.
    """
    return _locked(db, _OVERDUE + _BLOCKING, _blocking_values(business_id, resources, start, end), wait=wait)


def has_blocking_holds(
    db: Connection, business_id: UUID, resources: Sequence[UUID], start: datetime, end: datetime
) -> bool:
    """Return whether overdue holds, locked or not, occupy an interval. Index: claim_by_time."""
    statement = f"SELECT 1 FROM scheduling.appointment WHERE {_OVERDUE} {_BLOCKING} LIMIT 1"  # noqa: S608 - constants
    return db.execute(statement, _blocking_values(business_id, resources, start, end)).fetchone() is not None


def lock_overdue_holds_in_session(db: Connection, business_id: UUID, session_id: UUID) -> list[LockedAppointment]:
    """Lock the overdue holds of a session, skipping locked ones. Index: appointment_by_session."""
    return _locked(db, f"{_OVERDUE} AND session_id = %s", (business_id, session_id), wait=False)


def insert_appointment(
    db: Connection, business_id: UUID, a: Appointment, session_id: UUID | None, entry: HistoryEntry
) -> None:
    """Insert an appointment; sent with the next statement. COMMIT fails unless the transaction has claimed its time."""
    db.send_later(_INSERT.sql, _INSERT.parameters(_columns(business_id, a, session_id, a.booked_at, entry)))


def update_appointment(
    db: Connection, business_id: UUID, a: Appointment, session_id: UUID | None, at: datetime, entry: HistoryEntry
) -> None:
    """Update every column that may change; sent with the next statement. Index: primary key."""
    db.send_later(_UPDATE.sql, _UPDATE.parameters(_columns(business_id, a, session_id, at, entry)))


def read_page(
    db: Connection,
    business_id: UUID,
    filters: dict[str, Any],
    *,
    statuses: Sequence[str] = (),
    start: datetime | None = None,
    end: datetime | None = None,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Appointment]:
    """Return appointments sorted by start, then id; a filter that is None matches all.

    Index: appointment_by_customer, by_provider, by_series, by_visit or by_start.
    """
    clauses = ["a.business_id = %s"]
    values: list[Any] = [business_id]
    for column, value in filters.items():
        if value is not None:
            clauses.append(f"a.{column} = %s")
            values.append(value)
    if statuses:
        clauses.append("a.status = ANY (%s)")
        values.append(list(statuses))
    if start is not None:
        clauses.append("a.starts_at >= %s")
        values.append(start)
    if end is not None:
        clauses.append("a.starts_at < %s")
        values.append(end)
    if after is not None:
        clauses.append("(a.starts_at, a.appointment_id) > (%s, %s)")
        values.extend(after)
    where = f"WHERE {' AND '.join(clauses)} ORDER BY a.starts_at, a.appointment_id LIMIT %s"
    return _appointments(db, _APPOINTMENT + where, (*values, limit))


def read_agenda(
    db: Connection, business_id: UUID, provider_id: UUID, start: datetime, end: datetime
) -> list[Appointment]:
    """Return the active appointments that occupy a provider's time, found through the claims.

    Index: claim_by_time, appointment_by_session.
    """
    where = """
        WHERE a.business_id = %(business)s AND a.appointment_id IN (
            SELECT c.holder_id FROM scheduling.claim c
             WHERE c.business_id = %(business)s AND c.resource_id = %(provider)s
               AND c.starts_at > %(start)s - interval '48 hours' AND c.starts_at < %(end)s AND c.ends_at > %(start)s
            UNION ALL
            SELECT s.appointment_id FROM scheduling.claim c
              JOIN scheduling.appointment s ON s.business_id = c.business_id AND s.session_id = c.holder_id
             WHERE c.business_id = %(business)s AND c.resource_id = %(provider)s
               AND c.starts_at > %(start)s - interval '48 hours' AND c.starts_at < %(end)s AND c.ends_at > %(start)s)
          AND a.status IN ('held', 'pending', 'booked')
          AND NOT (a.status = 'held' AND a.hold_expires_at <= clock_timestamp())
          AND a.starts_at < %(end)s AND a.ends_at > %(start)s
        ORDER BY a.starts_at, a.appointment_id
    """
    values = {"business": business_id, "provider": provider_id, "start": start, "end": end}
    return _appointments(db, _APPOINTMENT + where, values)


def _appointments(db: Connection, query: str, values: tuple[Any, ...] | dict[str, Any]) -> list[Appointment]:
    with db.cursor(row_factory=kwargs_row(_appointment)) as cursor:
        return cursor.execute(query, values).fetchall()


def _locked(db: Connection, where: str, values: tuple[Any, ...], *, wait: bool = True) -> list[LockedAppointment]:
    statement = _LOCKED.format(where=where, skip="" if wait else "SKIP LOCKED")
    with db.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(statement, values).fetchall()
    return [_locked_appointment(**row) for row in rows]


def _blocking_values(business_id: UUID, resources: Sequence[UUID], start: datetime, end: datetime) -> tuple[Any, ...]:
    return business_id, business_id, list(resources), end, start, start - timedelta(hours=48), business_id


def _columns(
    business_id: UUID, a: Appointment, session_id: UUID | None, at: datetime, entry: HistoryEntry
) -> dict[str, Any]:
    return {
        **msgspec.structs.asdict(a),
        **entry._asdict(),
        "business_id": business_id,
        "provider_ids": list(a.provider_ids),
        "resource_ids": list(a.resource_ids),
        "overridden": list(entry.overridden),
        "session_id": session_id,
        "at": at,
    }


def _locked_appointment(session_id: UUID | None, **columns: Any) -> LockedAppointment:
    return LockedAppointment(_appointment(**columns), session_id)


def _appointment(**columns: Any) -> Appointment:
    columns["provider_ids"], columns["resource_ids"] = tuple(columns["provider_ids"]), tuple(columns["resource_ids"])
    return Appointment(**columns)
