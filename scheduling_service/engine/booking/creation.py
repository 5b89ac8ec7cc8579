"""Create appointments: book and hold. Series, visits and the waitlist create theirs here too."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import events as e
from contracts.scheduling import models as m
from contracts.scheduling.errors import Forbidden
from scheduling_service.engine.availability import AvailabilityQuery, build_query
from scheduling_service.engine.booking import changes, policies
from scheduling_service.engine.booking.reservation import Reservation, ReservationRequest, reserve
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
    """An appointment to create. `start` is in seconds since 1970; `assigned` means that no provider was named."""

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
    reason: str = ""


def book(write: Write, rules: BusinessRules, request: m.Book) -> m.Appointment:
    """Book a time that search lists; staff may also overbook or override."""
    _require_own_booking(write, request.customer_id)
    if (request.overbook or request.override) and policies.by_customer(write):
        raise Forbidden("Only staff may book a time that is not offered.")
    query = _build_query(rules, request)
    return create_appointment(
        write,
        NewAppointment(
            query=query,
            start=int(request.starts_at.timestamp()),
            customer_id=request.customer_id,
            status=initial_status(write, query),
            assigned=request.provider_id is None,
            note=request.note,
            overbook=request.overbook,
            override=request.override,
            reason=request.reason,
        ),
    )


def hold(write: Write, rules: BusinessRules, request: m.Hold) -> m.Appointment:
    """Hold a time for the offering's `hold_minutes`."""
    _require_own_booking(write, request.customer_id)
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


def create_appointment(write: Write, new: NewAppointment) -> m.Appointment:
    """Reserve the time and record the appointment. Raises SlotUnavailable for what search would not list."""
    query, appointment_id = new.query, uuid7()
    reservation = reserve(
        write,
        ReservationRequest(
            query=query,
            start=new.start,
            holder_id=appointment_id,
            expires_at=new.hold_expires_at,
            assigned=new.assigned,
            overbook=new.overbook,
            override=new.override,
        ),
    )
    made = _appointment(write, new, appointment_id, reservation)
    fields = {} if new.waitlist_entry_id is None else {"waitlist_entry_id": new.waitlist_entry_id}
    kind = _EVENTS[new.status]
    return changes.record_new(
        write, made, reservation.session_id, kind, overridden=reservation.overridden, reason=new.reason, **fields
    )


def initial_status(write: Write, query: AvailabilityQuery) -> m.AppointmentStatus:
    """Return `pending` if the offering requires approval and a customer books, `booked` otherwise."""
    return "pending" if policies.by_customer(write) and query.offering.requires_approval else "booked"


def require_own(write: Write, customer_id: UUID, message: str) -> None:
    """Raise Forbidden if a customer acts for another customer."""
    if policies.by_customer(write) and write.ctx.actor.id != customer_id:
        raise Forbidden(message)


def _appointment(write: Write, new: NewAppointment, appointment_id: UUID, reservation: Reservation) -> m.Appointment:
    query, starts_at = new.query, to_utc(new.start)
    provider = query.rules.provider(reservation.provider_ids[0])
    return m.Appointment(
        appointment_id=appointment_id,
        offering_id=query.offering.offering_id,
        offering_name=query.offering.name,
        provider_id=provider.provider_id,
        provider_name=provider.name,
        customer_id=new.customer_id,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(seconds=query.length),
        zone=provider.zone.key,
        status=new.status,
        version=1,
        note=new.note,
        booked_at=write.now,
        provider_ids=reservation.provider_ids if query.collective else (),
        resource_ids=reservation.resource_ids,
        seats=query.seats,
        hold_expires_at=new.hold_expires_at,
        series_id=new.series_id,
        visit_id=new.visit_id,
        overbooked=reservation.overbooked,
    )


def _require_own_booking(write: Write, customer_id: UUID) -> None:
    require_own(write, customer_id, "Customers can only book for themselves.")


def _build_query(rules: BusinessRules, request: m.Book | m.Hold) -> AvailabilityQuery:
    return build_query(
        rules,
        request.offering_id,
        provider_id=request.provider_id,
        duration_minutes=request.duration_minutes,
        seats=request.seats,
        customer_id=request.customer_id,
    )
