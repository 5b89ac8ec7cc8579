"""What becomes of an appointment where it stands: confirmed, approved, declined, cancelled, completed, missed."""

from typing import Any

from msgspec.structs import replace

from contracts.scheduling import events as e
from contracts.scheduling import models as m
from contracts.scheduling.errors import HoldExpired, InvalidTransition
from scheduling_service.engine.booking import changes, policies
from scheduling_service.engine.booking.reservation import release
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.store import claims
from scheduling_service.engine.store import waitlist as waiting
from scheduling_service.engine.store.appointments import LockedAppointment
from scheduling_service.engine.waitlist_offers import offer_freed
from scheduling_service.engine.write_transaction import Write


def confirm(write: Write, rules: BusinessRules, request: m.Confirm) -> m.Appointment:
    found = changes.lock_for_change(write, request.appointment_id, None, ("held", "expired"))
    held = found.appointment
    # Whoever needs the time of an overdue hold locks it first: it is theirs or the holder's, never both's.
    if held.status == "expired" or held.hold_expires_at is None or held.hold_expires_at <= write.now:
        raise HoldExpired("The hold was not confirmed in time; look for a time again.")
    needs_approval = policies.by_customer(write) and rules.offering(held.offering_id).requires_approval
    confirmed = _next(
        held,
        status="pending" if needs_approval else "booked",
        note=request.note,
        booked_at=write.now,
        hold_expires_at=None,
    )
    claims.make_claims_permanent(write.db, write.ctx.business_id, found.session_id or held.appointment_id)
    waiting.end_offer(write.db, write.ctx.business_id, held.appointment_id, "booked")
    kind = e.AppointmentRequested if needs_approval else e.AppointmentBooked
    return changes.record_change(write, confirmed, found.session_id, kind)


def approve(write: Write, rules: BusinessRules, request: m.Approve) -> m.Appointment:
    found = changes.lock_for_change(write, request.appointment_id, request.expected_version, ("pending",))
    approved = _next(found.appointment, status="booked")
    return changes.record_change(write, approved, found.session_id, e.AppointmentBooked)


def decline(write: Write, rules: BusinessRules, request: m.Decline) -> m.Appointment:
    found = changes.lock_for_change(write, request.appointment_id, request.expected_version, ("pending",))
    declined = _next(found.appointment, status="declined", cancelled_at=write.now, cancel_reason=request.reason)
    return end(write, rules, found, declined, e.AppointmentDeclined)


def cancel(write: Write, rules: BusinessRules, request: m.Cancel) -> m.Appointment:
    found = changes.lock_for_change(write, request.appointment_id, request.expected_version, changes.ACTIVE_STATUSES)
    return cancel_found(write, rules, found, request.reason)


def cancel_found(write: Write, rules: BusinessRules, found: LockedAppointment, reason: str) -> m.Appointment:
    """Raises PolicyRefused, and InvalidTransition when it has begun, for customers."""
    appointment = found.appointment
    decision = policies.decide_cancellation(write, rules.offering(appointment.offering_id), appointment)
    cancelled = _next(
        appointment,
        status="cancelled",
        cancelled_at=write.now,
        cancel_reason=reason,
        cancelled_in_time=decision.in_time,
        fee_percent=decision.fee_percent,
    )
    if appointment.status == "held":
        waiting.end_offer(write.db, write.ctx.business_id, appointment.appointment_id, "lapsed")
    return end(write, rules, found, cancelled, e.AppointmentCancelled, overridden=decision.overridden)


def complete(write: Write, rules: BusinessRules, request: m.Complete) -> m.Appointment:
    found = _begun(write, request)
    return changes.record_change(
        write, _next(found.appointment, status="completed"), found.session_id, e.AppointmentCompleted
    )


def mark_no_show(write: Write, rules: BusinessRules, request: m.MarkNoShow) -> m.Appointment:
    found = _begun(write, request)
    fee = rules.offering(found.appointment.offering_id).policy.late_fee_percent
    missed = _next(found.appointment, status="no_show", fee_percent=fee)
    return changes.record_change(write, missed, found.session_id, e.AppointmentNoShow)


def end(
    write: Write,
    rules: BusinessRules,
    found: LockedAppointment,
    ended: m.Appointment,
    kind: type[e.Event],
    *,
    overridden: tuple[str, ...] = (),
) -> m.Appointment:
    """Gives the time back, and offers it to whoever waits for it."""
    changes.record_change(write, ended, found.session_id, kind, overridden=overridden)
    release(write, found)
    offer_freed(write, rules, found.appointment)
    return ended


def _begun(write: Write, request: m.Complete | m.MarkNoShow) -> LockedAppointment:
    found = changes.lock_for_change(write, request.appointment_id, request.expected_version, ("booked",))
    if found.appointment.starts_at > write.now:
        raise InvalidTransition("The appointment has not begun yet.")
    return found


def _next(appointment: m.Appointment, **changes: Any) -> m.Appointment:
    return replace(appointment, version=appointment.version + 1, **changes)
