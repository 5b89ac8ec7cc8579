"""How an appointment comes to be: held, pending or booked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import events as e
from contracts.scheduling import models as m
from contracts.scheduling.errors import Forbidden
from scheduling_service.engine.availability import AvailabilityQuery, build_query
from scheduling_service.engine.booking import changes
from scheduling_service.engine.booking.reservation import ReservationRequest, reserve
from scheduling_service.engine.hours import to_utc
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.write_transaction import Write

_EVENTS: dict[str, type[e.Event]] = {
    "held": e.AppointmentHeld,
    "pending": e.AppointmentRequested,
    "booked": e.AppointmentBooked,
}


@dataclass(frozen=True)
class NewAppointment:
    """An appointment to be. `assigned`: nobody was named, and the offering's assignment chooses."""

    query: AvailabilityQuery
    start: int
    customer_id: UUID
    status: m.AppointmentStatus
    assigned: bool
    note: str = ""
    hold_expires_at: datetime | None = None
    series_id: UUID | None = None
    visit_id: UUID | None = None
    waitlist_entry_id: UUID | None = None
    overbook: bool = False
    override: bool = False


def create_appointment(write: Write, wanted: NewAppointment) -> m.Appointment:
    """Raises SlotUnavailable. What search lists is taken, and nothing else but what staff set aside."""
    query, appointment_id = wanted.query, uuid7()
    request = ReservationRequest(
        query=query,
        start=wanted.start,
        holder_id=appointment_id,
        expires_at=wanted.hold_expires_at,
        assigned=wanted.assigned,
        overbook=wanted.overbook,
        override=wanted.override,
    )
    reservation = reserve(write, request)
    provider = query.rules.provider(reservation.provider_ids[0])
    starts_at = to_utc(wanted.start)
    made = m.Appointment(
        appointment_id=appointment_id,
        offering_id=query.offering.offering_id,
        offering_name=query.offering.name,
        provider_id=provider.provider_id,
        provider_name=provider.name,
        customer_id=wanted.customer_id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(seconds=query.length),
        zone=provider.zone.key,
        status=wanted.status,
        version=1,
        note=wanted.note,
        booked_at=write.now,
        provider_ids=reservation.provider_ids if query.collective else (),
        resource_ids=reservation.resource_ids,
        seats=query.seats,
        hold_expires_at=wanted.hold_expires_at,
        series_id=wanted.series_id,
        visit_id=wanted.visit_id,
        overbooked=reservation.overbooked,
    )
    offered = {} if wanted.waitlist_entry_id is None else {"waitlist_entry_id": wanted.waitlist_entry_id}
    kind = _EVENTS[wanted.status]
    return changes.record_new(write, made, reservation.session_id, kind, overridden=reservation.overridden, **offered)


def book(write: Write, rules: BusinessRules, request: m.Book) -> m.Appointment:
    _for_themselves(write, request.customer_id)
    if (request.overbook or request.override) and write.ctx.actor.kind == "customer":
        raise Forbidden("Only staff may book what is not offered.")
    query = _build_query(rules, request)
    return create_appointment(
        write,
        NewAppointment(
            query=query,
            start=int(request.starts_at.timestamp()),
            customer_id=request.customer_id,
            status=status_of_new(write, query),
            assigned=request.provider_id is None,
            note=request.note,
            overbook=request.overbook,
            override=request.override,
        ),
    )


def hold(write: Write, rules: BusinessRules, request: m.Hold) -> m.Appointment:
    _for_themselves(write, request.customer_id)
    query = _build_query(rules, request)
    return create_appointment(
        write,
        NewAppointment(
            query=query,
            start=int(request.starts_at.timestamp()),
            customer_id=request.customer_id,
            status="held",
            assigned=request.provider_id is None,
            hold_expires_at=write.now + timedelta(minutes=query.offering.hold_minutes),
        ),
    )


def status_of_new(write: Write, query: AvailabilityQuery) -> m.AppointmentStatus:
    """What staff book needs no approval."""
    by_customer = write.ctx.actor.kind == "customer"
    return "pending" if by_customer and query.offering.requires_approval else "booked"


def _for_themselves(write: Write, customer_id: UUID) -> None:
    require_own(write, customer_id, "A customer books for themselves only.")


def require_own(write: Write, customer_id: UUID, message: str) -> None:
    actor = write.ctx.actor
    if actor.kind == "customer" and actor.id != customer_id:
        raise Forbidden(message)


def _build_query(rules: BusinessRules, request: m.Book | m.Hold) -> AvailabilityQuery:
    return build_query(
        rules,
        request.offering_id,
        provider_id=request.provider_id,
        duration_minutes=request.duration_minutes,
        seats=request.seats,
        customer_id=request.customer_id,
    )
