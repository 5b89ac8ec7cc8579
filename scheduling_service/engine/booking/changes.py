"""One change of an appointment: the row, its entry in the history, its event."""

from datetime import datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import codec
from contracts.scheduling import events as e
from contracts.scheduling import models as m
from contracts.scheduling.errors import AppointmentNotFound, InvalidTransition, VersionConflict
from scheduling_service.engine.hours import to_utc
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
    **members: Any,
) -> m.Appointment:
    store.insert_appointment(write.db, write.ctx.business_id, made, session_id, _entry(write, made, overridden))
    write.events.append(_event(write, made, kind, members))
    return made


def record_change(
    write: Write,
    changed: m.Appointment,
    session_id: UUID | None,
    kind: type[e.Event],
    *,
    overridden: tuple[str, ...] = (),
    system_operation: str | None = None,
    **members: Any,
) -> m.Appointment:
    """`changed` has its next version already. `system_operation` names what happened without anybody's doing."""
    entry = _entry(write, changed, overridden)
    if system_operation is not None:
        entry = HistoryEntry("system", system_operation, overridden, entry.after)
    store.update_appointment(write.db, write.ctx.business_id, changed, session_id, write.now, entry)
    write.events.append(_event(write, changed, kind, members))
    return changed


def lock_for_change(
    write: Write, appointment_id: UUID, expected_version: int | None, allowed: tuple[m.AppointmentStatus, ...]
) -> LockedAppointment:
    """The appointment, locked, if the actor may change it and it is what they think it is."""
    found = store.lock_appointment(write.db, write.ctx.business_id, appointment_id)
    actor = write.ctx.actor
    if found is None or (actor.kind == "customer" and found.appointment.customer_id != actor.id):
        raise AppointmentNotFound("There is no such appointment.")
    version, status = found.appointment.version, found.appointment.status
    if expected_version not in (None, version):
        raise VersionConflict("Somebody changed the appointment; look at it again.", version)
    if status not in allowed:
        raise InvalidTransition(_NOT_ALLOWED[status])
    return found


_NOT_ALLOWED: dict[m.AppointmentStatus, str] = {
    "held": "The appointment is only held; confirm it first.",
    "pending": "The appointment waits for approval.",
    "booked": "The appointment is booked.",
    "cancelled": "The appointment is already cancelled.",
    "declined": "The appointment was declined.",
    "expired": "The hold has expired.",
    "completed": "The appointment has taken place.",
    "no_show": "The customer did not come to the appointment.",
}


def utc(moment: datetime) -> datetime:
    return to_utc(int(moment.timestamp()))


def _entry(write: Write, after: m.Appointment, overridden: tuple[str, ...]) -> HistoryEntry:
    actor = write.ctx.actor
    who = "system" if actor.kind == "system" else f"{actor.kind}:{actor.id}"
    return HistoryEntry(who, write.operation, overridden, codec.encode_reply(after))


def _event(write: Write, after: m.Appointment, kind: type[e.Event], members: dict[str, Any]) -> e.Event:
    return kind(
        event_id=uuid7(),
        business_id=write.ctx.business_id,
        business_name=write.business_name,
        business_zone=write.business_zone,
        epoch=write.epoch,
        occurred_at=write.now,
        appointment=after,
        **members,
    )
