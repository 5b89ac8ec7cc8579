"""Series of appointments: each occurrence is an appointment; they are booked, moved and cancelled together."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.context import Actor
from contracts.scheduling.errors import AppointmentNotFound, InvalidTransition, SeriesNotFound, SlotUnavailable
from scheduling_service.engine.availability import AvailabilityQuery, build_query
from scheduling_service.engine.booking import policies
from scheduling_service.engine.booking.creation import (
    NewAppointment,
    create_appointment,
    initial_status,
    require_own,
)
from scheduling_service.engine.booking.expiry import expire_blocking_holds
from scheduling_service.engine.booking.lifecycle import cancel_locked
from scheduling_service.engine.booking.release import release
from scheduling_service.engine.booking.rescheduling import build_reschedule_query, reserve_and_move
from scheduling_service.engine.booking.reservation import ReservationRequest
from scheduling_service.engine.hours import to_utc
from scheduling_service.engine.read_transaction import Read
from scheduling_service.engine.recurrence import occurrences, shift_wall_time, wall_time_difference
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.store import appointments as store
from scheduling_service.engine.store.appointments import LockedAppointment
from scheduling_service.engine.waitlist_offers import offer_freed
from scheduling_service.engine.write_transaction import Write

_MOVABLE = ("pending", "booked")
_MAX_OCCURRENCES = 52


def book_series(write: Write, rules: BusinessRules, request: m.BookSeries) -> m.Series:
    """Book all occurrences. On a conflict, refuse the series or skip the occurrence, as requested."""
    require_own(write, request.customer_id, "Customers can only book for themselves.")
    query = build_query(
        rules,
        request.offering_id,
        provider_id=request.provider_id,
        duration_minutes=request.duration_minutes,
        seats=request.seats,
        customer_id=request.customer_id,
    )
    moments = occurrences(request.starts_at, request.recurrence, rules.provider(request.provider_id).zone)
    _lock(write, [(query, int(moment.timestamp())) for moment in moments])
    series_id = uuid7()
    if request.dry_run:
        write.db.run("SAVEPOINT dry_run")
    booked: list[m.Appointment] = []
    conflicts: list[m.Conflicting] = []
    for moment in moments:
        try:
            booked.append(create_appointment(write, _occurrence(write, query, request, series_id, moment)))
        except SlotUnavailable as refusal:
            all_conflict = not booked and len(conflicts) + 1 == len(moments)
            if not request.dry_run and (request.on_conflict == "refuse" or all_conflict):
                raise _refusal_of(moment, refusal) from refusal
            conflicts.append(m.Conflicting(starts_at=moment, reason=refusal.reason))
    if request.dry_run:
        write.db.run("ROLLBACK TO SAVEPOINT dry_run")
        write.events.clear()
    return m.Series(series_id=series_id, appointments=tuple(booked), conflicts=tuple(conflicts))


def get_series(read: Read, request: m.GetSeries) -> m.Series:
    filters = {"series_id": request.series_id}
    found = store.read_page(read.db, read.business_id, filters, start=None, after=None, limit=_MAX_OCCURRENCES)
    if not found or not _may_see(read.actor, found[0]):
        raise SeriesNotFound("There is no such series.")
    return m.Series(series_id=request.series_id, appointments=tuple(found))


def reschedule_series(write: Write, rules: BusinessRules, request: m.RescheduleSeries) -> m.Series:
    """Move an occurrence and those after it. All times are released before any is reserved, so none conflict."""
    first, *following = moving = _lock_from(write, request.series_id, request.from_appointment_id)
    queries = [build_reschedule_query(rules, each.appointment) for each in moving]
    policies.require_not_begun(write, first.appointment)
    decisions = [
        policies.decide_reschedule(write, rules.offering(each.appointment.offering_id), each.appointment)
        for each in moving
    ]
    first_start = to_utc(int(request.starts_at.timestamp()))
    starts = [int(start.timestamp()) for start in (first_start, *_new_starts(rules, first, following, first_start))]
    _lock(write, list(zip(queries, starts, strict=True)), moving)
    for each in moving:
        release(write, each)
    plan = list(zip(moving, queries, starts, decisions, strict=True))
    # Occurrences that have not moved yet still count against the limits of their old day. In this order, none moves
    # onto a day that another one has yet to leave.
    if request.starts_at > first.appointment.starts_at:
        plan.reverse()
    moved = []
    for each, query, start, decision in plan:
        current = each.appointment
        reservation_request = ReservationRequest(query=query, start=start, holder_id=current.appointment_id)
        moved.append(reserve_and_move(write, current, reservation_request, decision))
    for each in moving:
        offer_freed(write, rules, each.appointment)
    return _sorted_series(request.series_id, moved)


def cancel_series(write: Write, rules: BusinessRules, request: m.CancelSeries) -> m.Series:
    """Cancel an occurrence and those after it."""
    ending = _lock_from(write, request.series_id, request.from_appointment_id)
    cancelled = [cancel_locked(write, rules, each, request.reason) for each in ending]
    return _sorted_series(request.series_id, cancelled)


def _refusal_of(moment: datetime, refusal: SlotUnavailable) -> SlotUnavailable:
    message = f"The appointment of the series on {moment:%Y-%m-%d at %H:%M} UTC: {refusal.message}"
    return SlotUnavailable(message, refusal.reason, starts_at=moment.isoformat())


def _occurrence(
    write: Write, query: AvailabilityQuery, request: m.BookSeries, series_id: UUID, moment: datetime
) -> NewAppointment:
    return NewAppointment(
        query=query,
        start=int(moment.timestamp()),
        customer_id=request.customer_id,
        status=initial_status(write, query),
        assigned=False,
        note=request.note,
        series_id=series_id,
    )


def _lock_from(write: Write, series_id: UUID, appointment_id: UUID) -> list[LockedAppointment]:
    """Lock a series; return one occurrence and the active ones after it, sorted by start.

    Raises SeriesNotFound, AppointmentNotFound and InvalidTransition.
    """
    found = write.locks.series(series_id)
    if not found or not _may_see(write.ctx.actor, found[0].appointment):
        raise SeriesNotFound("There is no such series.")
    indexes = [index for index, each in enumerate(found) if each.appointment.appointment_id == appointment_id]
    if not indexes:
        raise AppointmentNotFound("The series has no such appointment.")
    first, *following = found[indexes[0] :]
    if first.appointment.status not in _MOVABLE:
        raise InvalidTransition("This appointment of the series has ended; start with a later one.")
    return [first, *(each for each in following if each.appointment.status in _MOVABLE)]


def _may_see(actor: Actor, appointment: m.Appointment) -> bool:
    return actor.kind != "customer" or actor.id == appointment.customer_id


def _new_starts(
    rules: BusinessRules, first: LockedAppointment, following: list[LockedAppointment], first_start: datetime
) -> list[datetime]:
    """Shift the following occurrences by the same wall-clock time as the first, each in its provider's zone."""

    def zone_of(each: LockedAppointment) -> ZoneInfo:
        return rules.provider(each.appointment.provider_id).zone

    shift = wall_time_difference(first.appointment.starts_at, first_start, zone_of(first))
    return [shift_wall_time(each.appointment.starts_at, shift, zone_of(each)) for each in following]


def _lock(
    write: Write, wanted: list[tuple[AvailabilityQuery, int]], moving: list[LockedAppointment] | None = None
) -> None:
    """Expire the holds that block any of the starts, then acquire all locks at once."""
    customer_ids: set[UUID] = set()
    ids: set[UUID] = set()
    for query, start in wanted:
        expire_blocking_holds(write, query, start)
        ids.update(query.provider_and_resource_ids)
        if query.limited and query.customer_id is not None:
            customer_ids.add(query.customer_id)
    for each in moving or []:
        ids.update(each.provider_and_resource_ids)
    write.locks.acquire(customer_ids=customer_ids, provider_and_resource_ids=ids)


def _sorted_series(series_id: UUID, appointments: list[m.Appointment]) -> m.Series:
    ordered = sorted(appointments, key=lambda each: (each.starts_at, each.appointment_id))
    return m.Series(series_id=series_id, appointments=tuple(ordered))
