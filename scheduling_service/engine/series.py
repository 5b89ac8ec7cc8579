"""Recurring appointments: each occurrence is one of its own, and they are booked, moved and cancelled together."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import events as e
from contracts.scheduling import models as m
from contracts.scheduling.context import Actor
from contracts.scheduling.errors import AppointmentNotFound, InvalidTransition, SeriesNotFound, SlotUnavailable
from scheduling_service.engine.availability import AvailabilityQuery, build_query
from scheduling_service.engine.booking import changes, policies
from scheduling_service.engine.booking.creation import NewAppointment, create_appointment, require_own, status_of_new
from scheduling_service.engine.booking.expiry import expire_blocking_holds
from scheduling_service.engine.booking.lifecycle import cancel_found
from scheduling_service.engine.booking.rescheduling import build_reschedule_query, rescheduled
from scheduling_service.engine.booking.reservation import ReservationRequest, release, reserve
from scheduling_service.engine.database import Connection
from scheduling_service.engine.recurrence import occurrences, shift_wall_time, wall_time_difference
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.store import appointments as store
from scheduling_service.engine.store import claims
from scheduling_service.engine.store.appointments import LockedAppointment
from scheduling_service.engine.waitlist_offers import offer_freed
from scheduling_service.engine.write_transaction import Write

_MOVABLE = ("pending", "booked")
_MOST = 52


def book_series(write: Write, rules: BusinessRules, request: m.BookSeries) -> m.Series:
    """With `refuse` the first conflict is the answer, and the transaction does not commit."""
    require_own(write, request.customer_id, "A customer books for themselves only.")
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
    booked: list[m.Appointment] = []
    conflicts: list[m.Conflicting] = []
    for moment in moments:
        try:
            booked.append(create_appointment(write, _occurrence(write, query, request, series_id, moment)))
        except SlotUnavailable as refusal:
            last = not booked and len(conflicts) + 1 == len(moments)
            if request.on_conflict == "refuse" or last:
                raise
            conflicts.append(m.Conflicting(starts_at=moment, reason=refusal.reason))
    return m.Series(series_id=series_id, appointments=tuple(booked), conflicts=tuple(conflicts))


def get_series(db: Connection, business_id: UUID, actor: Actor, request: m.GetSeries) -> m.Series:
    found = store.read_page(db, business_id, {"series_id": request.series_id}, start=None, after=None, limit=_MOST)
    if not found or not _may_see(actor, found[0]):
        raise SeriesNotFound("There is no such series.")
    return m.Series(series_id=request.series_id, appointments=tuple(found))


def reschedule_series(write: Write, rules: BusinessRules, request: m.RescheduleSeries) -> m.Series:
    """Everything is given back before anything is taken: none of them stands in the way of another."""
    first, *following = moving = _from(write, request.series_id, request.from_appointment_id)
    queries = {each.appointment.appointment_id: build_reschedule_query(rules, each.appointment) for each in moving}
    policies.require_not_begun(write, first.appointment)
    decisions = [
        policies.decide_reschedule(write, rules.offering(each.appointment.offering_id), each.appointment)
        for each in moving
    ]
    starts = [changes.utc(request.starts_at), *_starts_of(rules, first, following, request.starts_at)]
    wanted = [int(start.timestamp()) for start in starts]
    _lock(write, list(zip(queries.values(), wanted, strict=True)), moving)
    for each in moving:
        release(write, each)
    plan = list(zip(moving, decisions, starts, strict=True))
    # Limits count the others where they stand meanwhile: so none moves onto the day of one that has yet to go.
    if request.starts_at > first.appointment.starts_at:
        plan.reverse()
    moved = [_move(write, queries[each.appointment.appointment_id], each, decision, to) for each, decision, to in plan]
    for each in moving:
        offer_freed(write, rules, each.appointment)
    return _answer(request.series_id, moved)


def cancel_series(write: Write, rules: BusinessRules, request: m.CancelSeries) -> m.Series:
    ending = _from(write, request.series_id, request.from_appointment_id)
    cancelled = [cancel_found(write, rules, each, request.reason) for each in ending]
    return _answer(request.series_id, cancelled)


def _occurrence(
    write: Write, query: AvailabilityQuery, request: m.BookSeries, series_id: UUID, moment: datetime
) -> NewAppointment:
    return NewAppointment(
        query=query,
        start=int(moment.timestamp()),
        customer_id=request.customer_id,
        status=status_of_new(write, query),
        assigned=False,
        note=request.note,
        series_id=series_id,
    )


def _from(write: Write, series_id: UUID, appointment_id: UUID) -> list[LockedAppointment]:
    """One occurrence and the active ones that follow it, by start, locked. Raises what `RescheduleSeries` may."""
    found = store.lock_series(write.db, write.ctx.business_id, series_id)
    if not found or not _may_see(write.ctx.actor, found[0].appointment):
        raise SeriesNotFound("There is no such series.")
    indexes = [
        create_appointment
        for create_appointment, each in enumerate(found)
        if each.appointment.appointment_id == appointment_id
    ]
    if not indexes:
        raise AppointmentNotFound("The series has no such appointment.")
    first, *following = found[indexes[0] :]
    if first.appointment.status not in _MOVABLE:
        raise InvalidTransition("This appointment of the series has ended; begin with one that is still to come.")
    return [first, *(each for each in following if each.appointment.status in _MOVABLE)]


def _may_see(actor: Actor, appointment: m.Appointment) -> bool:
    return actor.kind != "customer" or actor.id == appointment.customer_id


def _starts_of(
    rules: BusinessRules, first: LockedAppointment, following: list[LockedAppointment], starts_at: datetime
) -> list[datetime]:
    """As far on each one's own wall clock as the first moves on its."""
    by = wall_time_difference(
        first.appointment.starts_at, starts_at, rules.provider(first.appointment.provider_id).zone
    )
    return [
        shift_wall_time(each.appointment.starts_at, by, rules.provider(each.appointment.provider_id).zone)
        for each in following
    ]


def _lock(
    write: Write, wanted: list[tuple[AvailabilityQuery, int]], moving: list[LockedAppointment] | None = None
) -> None:
    """All that may be needed, in the order that all writes keep: holds whose time is over, customers, then providers
    and resources by id."""
    business_id, queries = write.ctx.business_id, [query for query, _ in wanted]
    for query, start in wanted:
        expire_blocking_holds(write, query, start)
    write.may_wait = False
    customers = {each.customer_id for each in queries if each.limited and each.customer_id is not None}
    for customer_id in sorted(customers):
        claims.lock_customer(write.db, business_id, customer_id)
    ids = [each.provider_id for query in queries for each in query.providers]
    ids += [each.resource_id for query in queries for each in query.resources]
    for each in moving or []:
        ids += [each.appointment.provider_id, *each.appointment.provider_ids, *each.appointment.resource_ids]
    claims.lock_providers_and_resources(write.db, business_id, ids)


def _move(
    write: Write,
    query: AvailabilityQuery,
    found: LockedAppointment,
    decision: policies.PolicyDecision,
    starts_at: datetime,
) -> m.Appointment:
    current, start = found.appointment, int(starts_at.timestamp())
    reservation = reserve(write, ReservationRequest(query=query, start=start, holder_id=current.appointment_id))
    moved = rescheduled(write, current, query, start, reservation)
    return changes.record_change(
        write,
        moved,
        reservation.session_id,
        e.AppointmentRescheduled,
        overridden=(*decision.overridden, *reservation.overridden),
        previous_starts_at=current.starts_at,
        previous_provider_id=current.provider_id,
        fee_percent=decision.fee_percent,
    )


def _answer(series_id: UUID, appointments: list[m.Appointment]) -> m.Series:
    ordered = sorted(appointments, key=lambda each: (each.starts_at, each.appointment_id))
    return m.Series(series_id=series_id, appointments=tuple(ordered))
