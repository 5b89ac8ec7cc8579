"""Record a change of an appointment: the row, its history entry and its event."""

from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import codec
from contracts.scheduling import events as e
from contracts.scheduling import models as m
from contracts.scheduling.errors import AppointmentNotFound, InvalidTransition, VersionConflict
from scheduling_service.engine.store import appointments as store
from scheduling_service.engine.store.appointments import HistoryEntry, LockedAppointment
from scheduling_service.engine.write_transaction import Write

ACTIVE_STATUSES: tuple[m.AppointmentStatus, ...] = ("held", "pending", "booked")


def record_new(
    write: Write,
    made: m.Appointment,
    session_id: UUID | None,
    kind: type[e.Event],
    *,
    overridden: tuple[str, ...] = (),
    reason: str = "",
    **event_fields: Any,
) -> m.Appointment:
    """Insert an appointment whose time is already claimed."""
    entry = _history_entry(write, made, overridden, reason)
    store.insert_appointment(write.db, write.ctx.business_id, made, session_id, entry)
    write.events.append(_event(write, made, kind, event_fields))
    return made


def record_change(
    write: Write,
    changed: m.Appointment,
    session_id: UUID | None,
    kind: type[e.Event],
    *,
    overridden: tuple[str, ...] = (),
    reason: str = "",
    system_operation: str | None = None,
    **event_fields: Any,
) -> m.Appointment:
    """Update an appointment. `changed` carries the next version already.

    `system_operation` names a change that no actor requested; the history attributes it to the system.
    """
    entry = _history_entry(write, changed, overridden, reason)
    if system_operation is not None:
        entry = HistoryEntry("system", system_operation, overridden, entry.after)
    store.update_appointment(write.db, write.ctx.business_id, changed, session_id, write.now, entry)
    write.events.append(_event(write, changed, kind, event_fields))
    return changed


def lock_for_change(
    write: Write, appointment_id: UUID, expected_version: int | None, allowed: tuple[m.AppointmentStatus, ...]
) -> LockedAppointment:
    """Lock an appointment; check that the actor may see it, and its version and status.

    Raises AppointmentNotFound, VersionConflict and InvalidTransition.
    """
    found = write.locks.appointment(appointment_id)
    actor = write.ctx.actor
    if found is None or (actor.kind == "customer" and found.appointment.customer_id != actor.id):
        raise AppointmentNotFound("There is no such appointment.")
    version, status = found.appointment.version, found.appointment.status
    if expected_version not in (None, version):
        raise VersionConflict("The appointment has changed; reload it and try again.", version)
    if status not in allowed:
        raise InvalidTransition(_NOT_ALLOWED[status])
    return found


_NOT_ALLOWED: dict[m.AppointmentStatus, str] = {
    "held": "The appointment is only held; confirm it first.",
    "pending": "The appointment is waiting for approval.",
    "booked": "The appointment is booked.",
    "cancelled": "The appointment is already cancelled.",
    "declined": "The appointment was declined.",
    "expired": "The hold has expired.",
    "completed": "The appointment has taken place.",
    "no_show": "The customer did not come to the appointment.",
}


def _history_entry(write: Write, after: m.Appointment, overridden: tuple[str, ...], reason: str) -> HistoryEntry:
    actor = write.ctx.actor
    label = "system" if actor.kind == "system" else f"{actor.kind}:{actor.id}"
    # Without a rule that was overridden, there is nothing to explain.
    return HistoryEntry(label, write.operation, overridden, codec.encode_reply(after), reason if overridden else "")


def _event(write: Write, after: m.Appointment, kind: type[e.Event], fields: dict[str, Any]) -> e.Event:
    return kind(
        event_id=uuid7(),
        business_id=write.ctx.business_id,
        business_name=write.business_name,
        business_zone=write.business_zone,
        epoch=write.epoch,
        occurred_at=write.now,
        appointment=after,
        **fields,
    )
