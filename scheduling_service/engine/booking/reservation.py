"""Taking time for an appointment, and giving it back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from scheduling_service.engine.availability import (
    AvailabilityQuery,
    Candidate,
    Conditions,
    Occupancy,
    candidates_at,
    closest_provider,
    read_occupancy,
    rejection_reasons,
)
from scheduling_service.engine.booking import assignment
from scheduling_service.engine.booking.expiry import expire_blocking_holds, expire_in_session
from scheduling_service.engine.booking.refusals import overridden_rules, slot_unavailable
from scheduling_service.engine.store import claims as store
from scheduling_service.engine.store.appointments import LockedAppointment
from scheduling_service.engine.write_transaction import LockContention, Write

_ROUNDS = 8
"""Each lost round means that somebody else won one; then the time counts as taken."""


@dataclass(frozen=True)
class ReservationRequest:
    """What is to be taken, for whom. `holder_id` is the appointment."""

    query: AvailabilityQuery
    start: int
    holder_id: UUID
    expires_at: datetime | None = None
    assigned: bool = False
    """Nobody was named: whom the offering's assignment chooses."""
    overbook: bool = False
    override: bool = False
    moves: LockedAppointment | None = None
    """The appointment as it stands: its time is given back first, so that it does not stand in its own way."""


@dataclass(frozen=True)
class Reservation:
    """What was taken. `overridden` names the rules that staff set aside."""

    provider_ids: tuple[UUID, ...]
    resource_ids: tuple[UUID, ...]
    session_id: UUID | None
    overbooked: bool = False
    overridden: tuple[str, ...] = ()


def reserve(write: Write, request: ReservationRequest) -> Reservation:
    """Raises SlotUnavailable, and LockContention. What it takes is given back if the transaction does not commit."""
    query = request.query
    if not query.provider_time_only or request.assigned or request.moves is not None:
        _check_before_locking(write, request)
    rotation = _lock(write, request)
    if request.moves is not None:
        release(write, request.moves)
    for _ in range(_ROUNDS):
        occupancy = _read(write, request)
        if occupancy.has_overdue_holds:
            expire_blocking_holds(write, query, request.start)
            occupancy = _read(write, request)
        offers = candidates_at(query, request.start, occupancy)
        if not offers:
            return _reserve_overridden(write, request, occupancy)
        for offer in rotation.rank(write, query, request.start, offers) if rotation else offers:
            reservation = _claim(write, request, offer)
            if reservation is not None:
                if rotation and offer.session_id is None:
                    rotation.record(write, query, reservation.provider_ids[0])
                return reservation
        if query.provider_time_only and len(offers) == 1:
            break
    raise slot_unavailable("taken")


def _check_before_locking(write: Write, request: ReservationRequest) -> None:
    """Before any lock: whoever changes a hold may come to wait for one, and who is refused should wait for nobody."""
    query = request.query
    if request.moves is not None or query.offering.capacity > 1:
        expire_blocking_holds(write, query, request.start)
    if request.moves is not None:
        return
    occupancy = _read(write, request)
    if occupancy.has_overdue_holds:
        expire_blocking_holds(write, query, request.start)
    elif not candidates_at(query, request.start, occupancy):
        overridden_rules(
            rejection_reasons(query, request.start, occupancy), overbook=request.overbook, override=request.override
        )


def release(write: Write, locked: LockedAppointment) -> None:
    """The time and seats of an appointment that has ended, or is about to move."""
    appointment, business_id = locked.appointment, write.ctx.business_id
    write.may_wait = False
    if locked.session_id is None:
        store.delete_claims(write.db, business_id, appointment.appointment_id)
    else:
        seats = 0 if appointment.overbooked else appointment.seats
        store.return_seats(write.db, business_id, locked.session_id, seats, appointment.appointment_id)


def _lock(write: Write, request: ReservationRequest) -> assignment.Rotation | None:
    """The locks, in the order that all writes keep: customer, assignment, then providers and resources by id."""
    query, business_id = request.query, write.ctx.business_id
    customer_id = query.customer_id if query.limited else None
    assigns = request.assigned and not query.collective
    ids = _ids_to_lock(request)
    if write.in_passing:
        offering_id = query.offering.offering_id if assigns else None
        if not store.try_lock(write.db, business_id, customer_id, offering_id, ids):
            raise LockContention("Somebody else's turn has not ended.")
    if customer_id is not None:
        store.lock_customer(write.db, business_id, customer_id)
    rotation = assignment.lock_rotation(write, query) if assigns else None
    if ids:
        store.lock_providers_and_resources(write.db, business_id, ids)
    write.may_wait = write.may_wait and not (customer_id or assigns or ids)
    return rotation


def _ids_to_lock(request: ReservationRequest) -> list[UUID]:
    """The providers and resources that whoever needs several locks first; none if one provider's time is all."""
    query, moved = request.query, request.moves
    if not (moved or query.collective or query.limits_providers or query.offering.needs):
        return []
    ids = [each.provider_id for each in query.providers] + [each.resource_id for each in query.resources]
    if moved is not None:
        appointment = moved.appointment
        ids += [appointment.provider_id, *appointment.provider_ids, *appointment.resource_ids]
    return ids


def _read(write: Write, request: ReservationRequest) -> Occupancy:
    window = (request.start, request.start + 1)
    occupancy = read_occupancy(write.db, write.ctx.business_id, request.query, window, excluding=request.holder_id)
    assert occupancy is not None, "a write has a business"
    return occupancy


def _claim(write: Write, request: ReservationRequest, offer: Candidate) -> Reservation | None:
    """None when somebody else was faster."""
    query, business_id = request.query, write.ctx.business_id
    write.may_wait = False
    if offer.session_id is not None:
        return _join(write, request, offer.provider_ids, offer.session_id)
    in_session = query.offering.capacity > 1
    holder_id = uuid7() if in_session else request.holder_id
    time = query.claim(request.start)
    ids = [*offer.provider_ids, *offer.resource_ids]
    offering_id = query.offering.offering_id
    if not store.claim_time(write.db, business_id, holder_id, offering_id, ids, time, expires_at=request.expires_at):
        return None
    if in_session:
        length = (request.start, request.start + query.length)
        store.open_session(
            write.db,
            business_id,
            holder_id,
            offering_id,
            offer.provider_ids[0],
            length,
            query.offering.capacity,
            query.seats,
        )
    return Reservation(offer.provider_ids, offer.resource_ids, holder_id if in_session else None)


def _join(
    write: Write, request: ReservationRequest, provider_ids: tuple[UUID, ...], session_id: UUID
) -> Reservation | None:
    business_id, seats = write.ctx.business_id, request.query.seats
    if not store.take_seats(write.db, business_id, session_id, seats, request.expires_at):
        expire_in_session(write, session_id)
        if not store.take_seats(write.db, business_id, session_id, seats, request.expires_at):
            return None
    others = store.read_claimed_ids(write.db, business_id, session_id) - set(provider_ids)
    return Reservation(provider_ids, tuple(sorted(others)), session_id)


def _resources(query: AvailabilityQuery, start: int, occupancy: Occupancy) -> tuple[UUID, ...]:
    return Conditions(query, occupancy).free_resources(start) or ()


def _reserve_overridden(write: Write, request: ReservationRequest, occupancy: Occupancy) -> Reservation:
    """What staff reserve although it is not offered."""
    query = request.query
    against = rejection_reasons(query, request.start, occupancy)
    overridden = overridden_rules(against, overbook=request.overbook, override=request.override)
    index = 0 if query.collective else closest_provider(query, request.start, occupancy)
    providers = query.providers if query.collective else query.providers[index : index + 1]
    ids = tuple(each.provider_id for each in providers)
    if not {"taken", "full", "resources"}.intersection(overridden):
        reservation = _claim(write, request, Candidate(ids, _resources(query, request.start, occupancy), None))
        if reservation is None:
            raise slot_unavailable("taken")
        return Reservation(
            reservation.provider_ids, reservation.resource_ids, reservation.session_id, False, overridden
        )
    session = occupancy.sessions.get((index, request.start))
    if session is not None and session.ends == request.start + query.length:
        return _overbook_session(write, ids, session.session_id, overridden)
    resources = _resources(query, request.start, occupancy)
    time, offering_id = query.claim(request.start), query.offering.offering_id
    wanted = [*ids, *resources]
    store.claim_time(write.db, write.ctx.business_id, request.holder_id, offering_id, wanted, time, overbooked=True)
    return Reservation(ids, resources, None, True, overridden)


def _overbook_session(
    write: Write, ids: tuple[UUID, ...], session_id: UUID, overridden: tuple[str, ...]
) -> Reservation:
    """Without a seat; but the session must not go with its last seat meanwhile."""
    business_id = write.ctx.business_id
    if not store.take_seats(write.db, business_id, session_id, 0, None):
        raise slot_unavailable("full")
    others = store.read_claimed_ids(write.db, business_id, session_id) - set(ids)
    return Reservation(ids, tuple(sorted(others)), session_id, True, overridden)
