"""Status changes of an appointment: extend a hold, confirm, approve, decline, cancel, complete, mark as no-show."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from contracts.scheduling import events as e
from contracts.scheduling import models as m
from contracts.scheduling.errors import HoldExpired, InvalidTransition
from scheduling_service.engine.booking import changes, policies
from scheduling_service.engine.booking.release import release
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.store import claims, waitlist
from scheduling_service.engine.store.appointments import LockedAppointment
from scheduling_service.engine.waitlist_offers import offer_freed
from scheduling_service.engine.write_transaction import Write

MOST_EXTENSIONS = 10


def extend_hold(write: Write, rules: BusinessRules, request: m.ExtendHold) -> m.Appointment:
    """Extend a hold that has not ended. Its time of creation limits how long it can last. Raises HoldExpired."""
    found, ends = _lock_hold(write, request.appointment_id)
    held = found.appointment
    minutes = timedelta(minutes=rules.offering(held.offering_id).hold_minutes)
    until = min(write.now + minutes, held.booked_at + minutes * (MOST_EXTENSIONS + 1))
    if until <= ends:
        raise InvalidTransition("The hold cannot be extended further.")
    write.locks.enter_claims()
    claims.extend_claims(write.db, write.ctx.business_id, found.session_id or held.appointment_id, until)
    return changes.record_change(write, _next_version(held, hold_expires_at=until), found.session_id, e.AppointmentHeld)


def confirm(write: Write, rules: BusinessRules, request: m.Confirm) -> m.Appointment:
    """Turn a hold into a booked or pending appointment. Raises HoldExpired.

    A write that needs the time of an overdue hold locks the hold first, so either that write gets the time or this one.
    """
    found, _ = _lock_hold(write, request.appointment_id)
    held = found.appointment
    needs_approval = policies.by_customer(write) and rules.offering(held.offering_id).requires_approval
    confirmed = _next_version(
        held,
        status="pending" if needs_approval else "booked",
        note=request.note,
        booked_at=write.now,
        hold_expires_at=None,
    )
    write.locks.enter_claims()
    claims.make_claims_permanent(write.db, write.ctx.business_id, found.session_id or held.appointment_id)
    waitlist.end_offer(write.db, write.ctx.business_id, held.appointment_id, "booked")
    kind = e.AppointmentRequested if needs_approval else e.AppointmentBooked
    return changes.record_change(write, confirmed, found.session_id, kind)


def approve(write: Write, rules: BusinessRules, request: m.Approve) -> m.Appointment:
    found = changes.lock_for_change(write, request.appointment_id, request.expected_version, ("pending",))
    approved = _next_version(found.appointment, status="booked")
    return changes.record_change(write, approved, found.session_id, e.AppointmentBooked)


def decline(write: Write, rules: BusinessRules, request: m.Decline) -> m.Appointment:
    found = changes.lock_for_change(write, request.appointment_id, request.expected_version, ("pending",))
    declined = _next_version(found.appointment, status="declined", cancelled_at=write.now, cancel_reason=request.reason)
    return _end(write, rules, found, declined, e.AppointmentDeclined)


def cancel(write: Write, rules: BusinessRules, request: m.Cancel) -> m.Appointment:
    found = changes.lock_for_change(write, request.appointment_id, request.expected_version, changes.ACTIVE_STATUSES)
    notify = request.notify or policies.by_customer(write)
    return cancel_locked(write, rules, found, request.reason, notify=notify)


def cancel_locked(
    write: Write, rules: BusinessRules, found: LockedAppointment, reason: str, *, notify: bool = True
) -> m.Appointment:
    """Cancel an active appointment. Raises what `policies.decide_cancellation` raises."""
    appointment = found.appointment
    decision = policies.decide_cancellation(write, rules.offering(appointment.offering_id), appointment)
    cancelled = _next_version(
        appointment,
        status="cancelled",
        cancelled_at=write.now,
        cancel_reason=reason,
        cancelled_in_time=decision.in_time,
        fee_percent=decision.fee_percent,
    )
    if appointment.status == "held":
        waitlist.end_offer(write.db, write.ctx.business_id, appointment.appointment_id, "lapsed")
    return _end(write, rules, found, cancelled, e.AppointmentCancelled, overridden=decision.overridden, notify=notify)


def complete(write: Write, rules: BusinessRules, request: m.Complete) -> m.Appointment:
    found = _lock_begun(write, request)
    completed = _next_version(found.appointment, status="completed")
    return changes.record_change(write, completed, found.session_id, e.AppointmentCompleted)


def mark_no_show(write: Write, rules: BusinessRules, request: m.MarkNoShow) -> m.Appointment:
    found = _lock_begun(write, request)
    fee = rules.offering(found.appointment.offering_id).policy.late_fee_percent
    missed = _next_version(found.appointment, status="no_show", fee_percent=fee)
    return changes.record_change(write, missed, found.session_id, e.AppointmentNoShow)


def _end(
    write: Write,
    rules: BusinessRules,
    found: LockedAppointment,
    ended: m.Appointment,
    kind: type[e.Event],
    *,
    overridden: tuple[str, ...] = (),
    **event_fields: Any,
) -> m.Appointment:
    """Record the end, release the time and offer it to the waitlist."""
    changes.record_change(write, ended, found.session_id, kind, overridden=overridden, **event_fields)
    release(write, found)
    offer_freed(write, rules, found.appointment)
    return ended


def _lock_begun(write: Write, request: m.Complete | m.MarkNoShow) -> LockedAppointment:
    found = changes.lock_for_change(write, request.appointment_id, request.expected_version, ("booked",))
    if found.appointment.starts_at > write.now:
        raise InvalidTransition("The appointment has not begun yet.")
    return found


def _lock_hold(write: Write, appointment_id: UUID) -> tuple[LockedAppointment, datetime]:
    """Lock a hold, and return it with its end. Raises HoldExpired."""
    found = changes.lock_for_change(write, appointment_id, None, ("held", "expired"))
    held = found.appointment
    if held.status == "expired" or held.hold_expires_at is None or held.hold_expires_at <= write.now:
        raise HoldExpired("The hold was not confirmed in time; search for a time again.")
    return found, held.hold_expires_at


def _next_version(appointment: m.Appointment, **fields: Any) -> m.Appointment:
    return replace(appointment, version=appointment.version + 1, **fields)
