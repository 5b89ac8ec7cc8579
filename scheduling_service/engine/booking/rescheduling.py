"""Reschedule an appointment. It keeps its id, history, duration and seats, and does not conflict with itself."""

import dataclasses

from msgspec.structs import replace

from contracts.scheduling import events as e
from contracts.scheduling import models as m
from contracts.scheduling.errors import Forbidden
from scheduling_service.engine.availability import AvailabilityQuery, build_query
from scheduling_service.engine.booking import changes, policies
from scheduling_service.engine.booking.reservation import Reservation, ReservationRequest, reserve
from scheduling_service.engine.hours import to_utc
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.waitlist_offers import offer_freed
from scheduling_service.engine.write_transaction import Write


def reschedule(write: Write, rules: BusinessRules, request: m.Reschedule) -> m.Appointment:
    """Move an appointment and offer the freed time to the waitlist."""
    if (request.overbook or request.override) and policies.by_customer(write):
        raise Forbidden("Only staff may book a time that is not offered.")
    found = changes.lock_for_change(write, request.appointment_id, request.expected_version, ("pending", "booked"))
    current = found.appointment
    policies.require_not_begun(write, current)
    decision = policies.decide_reschedule(write, rules.offering(current.offering_id), current)
    reservation_request = ReservationRequest(
        query=build_reschedule_query(rules, current, request),
        start=int(request.starts_at.timestamp()),
        holder_id=current.appointment_id,
        overbook=request.overbook,
        override=request.override,
        moves=found,
    )
    notify = request.notify or policies.by_customer(write)
    moved = reserve_and_move(write, current, reservation_request, decision, notify=notify, reason=request.reason)
    offer_freed(write, rules, current)
    return moved


def reserve_and_move(
    write: Write,
    current: m.Appointment,
    request: ReservationRequest,
    decision: policies.PolicyDecision,
    *,
    notify: bool = True,
    reason: str = "",
) -> m.Appointment:
    """Reserve the new time, then record the move. Raises SlotUnavailable."""
    reservation = reserve(write, request)
    return changes.record_change(
        write,
        _moved(write, current, request, reservation),
        reservation.session_id,
        e.AppointmentRescheduled,
        overridden=(*decision.overridden, *reservation.overridden),
        reason=reason,
        previous_starts_at=current.starts_at,
        previous_provider_id=current.provider_id,
        fee_percent=decision.fee_percent,
        notify=notify,
    )


def build_reschedule_query(
    rules: BusinessRules, current: m.Appointment, request: m.Reschedule | None = None
) -> AvailabilityQuery:
    """Build a query with the appointment's own duration and seats, not the offering's current ones."""
    offering = rules.offering(current.offering_id)
    provider_id = None if request is None else request.provider_id
    if provider_id is None and offering.assignment != "collective":
        provider_id = current.provider_id
    query = build_query(rules, current.offering_id, provider_id=provider_id, customer_id=current.customer_id)
    length = int((current.ends_at - current.starts_at).total_seconds())
    return dataclasses.replace(query, length=length, seats=current.seats)


def _moved(
    write: Write, current: m.Appointment, request: ReservationRequest, reservation: Reservation
) -> m.Appointment:
    provider = request.query.rules.provider(reservation.provider_ids[0])
    starts_at = to_utc(request.start)
    return replace(
        current,
        provider_id=provider.provider_id,
        provider_name=provider.name,
        provider_ids=reservation.provider_ids if request.query.collective else (),
        resource_ids=reservation.resource_ids,
        starts_at=starts_at,
        ends_at=starts_at + (current.ends_at - current.starts_at),
        zone=provider.zone.key,
        overbooked=reservation.overbooked,
        version=current.version + 1,
        reschedules=current.reschedules + policies.by_customer(write),
    )
