"""Reserve time for an appointment: acquire locks, read what is occupied, then claim."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from scheduling_service.engine.availability import (
    AvailabilityQuery,
    Candidate,
    Occupancy,
    StartConditions,
    candidates_at,
    closest_provider,
    read_occupancy,
    read_occupancy_later,
    rejection_reasons,
)
from scheduling_service.engine.booking.assignment import Rotation, read_rotation, try_rotation, wait_for_rotation
from scheduling_service.engine.booking.expiry import expire_blocking_holds, expire_holds_in_session
from scheduling_service.engine.booking.refusals import overridden_rules, slot_unavailable
from scheduling_service.engine.booking.release import release
from scheduling_service.engine.store import claims as store
from scheduling_service.engine.store.appointments import LockedAppointment
from scheduling_service.engine.write_transaction import Write

_MAX_ATTEMPTS = 8
"""Each lost attempt means that another booking won; after these the time counts as taken."""


@dataclass(frozen=True)
class ReservationRequest:
    """The time to reserve. `holder_id` is the appointment's id; `start` is in seconds since 1970."""

    query: AvailabilityQuery
    start: int
    holder_id: UUID
    expires_at: datetime | None = None
    assigned: bool = False
    """The customer named no provider: the offering's assignment chooses one."""
    overbook: bool = False
    override: bool = False
    moves: LockedAppointment | None = None
    """The appointment to move. Its time is released first, so that it does not conflict with itself."""

    @property
    def needs_a_decision_first(self) -> bool:
        """Whether what to claim depends on what is occupied."""
        return self.assigned or self.overbook or self.override or self.moves is not None


@dataclass(frozen=True)
class Reservation:
    """The reserved providers, resources and session. `overridden` names the rules that staff overrode."""

    provider_ids: tuple[UUID, ...]
    resource_ids: tuple[UUID, ...]
    session_id: UUID | None
    overbooked: bool = False
    overridden: tuple[str, ...] = ()


def reserve(write: Write, request: ReservationRequest) -> Reservation:
    """Reserve the time, or raise SlotUnavailable or LockContention.

    What a refused reservation has already claimed is undone only by the transaction's rollback.
    """
    query = request.query
    rotation, occupancy = _prepare(write, request)
    for _ in range(_MAX_ATTEMPTS):
        reservation = None
        if occupancy is None:
            occupancy, reservation = _read_and_claim(write, request)
        if occupancy.has_overdue_holds:
            expire_blocking_holds(write, query, request.start)
            occupancy = _read_occupancy(write, request)
        candidates = candidates_at(query, request.start, occupancy)
        if not candidates:
            return _reserve_overridden(write, request, occupancy)
        if reservation is not None:
            return reservation
        for candidate in rotation.rank(write, query, request.start, candidates) if rotation else candidates:
            reservation = _claim(write, request, candidate)
            if reservation is not None:
                if rotation and candidate.session_id is None:
                    rotation.record_assignment(write, query, reservation.provider_ids[0])
                return reservation
        if query.needs_provider_time_only and len(candidates) == 1:
            break
        occupancy = None  # another booking won; read what is left
    raise slot_unavailable("taken")


def _prepare(write: Write, request: ReservationRequest) -> tuple[Rotation | None, Occupancy | None]:
    """Acquire the locks, and release the time of an appointment that moves.

    Returns the rotation if the assignment chooses a provider, and what is occupied if that was read on the way.
    """
    query, moves = request.query, request.moves
    if request.assigned and query.needs_provider_time_only and moves is None and write.locks.waits_for_appointments:
        return _lock_rotation(write, request)
    if not query.needs_provider_time_only or request.assigned or moves is not None:
        _check_before_locking(write, request)
    rotation = _lock(write, request)
    if moves is not None:
        release(write, moves)
    return rotation, None


def _lock_rotation(write: Write, request: ReservationRequest) -> tuple[Rotation, Occupancy]:
    """Lock the offering of a booking that names no provider; nobody waits for the lock only to be refused."""
    locked, rotation, occupancy = try_rotation(write, request.query, request.start)
    if locked:
        return rotation, occupancy
    _expire_or_refuse(write, request, occupancy)
    return wait_for_rotation(write, request.query, request.start)


def _check_before_locking(write: Write, request: ReservationRequest) -> None:
    """Expire overdue holds while the write may still wait for them, and refuse a hopeless request without locks."""
    query = request.query
    if request.moves is not None or query.offering.capacity > 1:
        expire_blocking_holds(write, query, request.start)
    if request.moves is not None:
        return
    _expire_or_refuse(write, request, _read_occupancy(write, request))


def _expire_or_refuse(write: Write, request: ReservationRequest, occupancy: Occupancy) -> None:
    query = request.query
    if occupancy.has_overdue_holds:
        expire_blocking_holds(write, query, request.start)
    elif not candidates_at(query, request.start, occupancy):
        reasons = rejection_reasons(query, request.start, occupancy)
        overridden_rules(reasons, overbook=request.overbook, override=request.override)


def _lock(write: Write, request: ReservationRequest) -> Rotation | None:
    """Acquire the locks that this reservation needs; return the rotation if the assignment chooses a provider."""
    query = request.query
    assigns = request.assigned and not query.collective
    write.locks.acquire(
        customer_ids=[query.customer_id] if query.limited and query.customer_id is not None else [],
        offering_ids=[query.offering.offering_id] if assigns else [],
        provider_and_resource_ids=_ids_to_lock(request),
    )
    return read_rotation(write, query) if assigns else None


def _ids_to_lock(request: ReservationRequest) -> list[UUID]:
    """Return the providers and resources to lock; none if the appointment only needs one provider's time."""
    query, moved = request.query, request.moves
    if not (moved or query.collective or query.limits_providers or query.offering.needs):
        return []
    ids = query.provider_and_resource_ids
    if moved is not None:
        ids += moved.provider_and_resource_ids
    return ids


def _read_occupancy(write: Write, request: ReservationRequest) -> Occupancy:
    window = (request.start, request.start + 1)
    occupancy = read_occupancy(write.db, write.ctx.business_id, request.query, window, excluding=request.holder_id)
    assert occupancy is not None, "a write has a business"
    return occupancy


def _read_and_claim(write: Write, request: ReservationRequest) -> tuple[Occupancy, Reservation | None]:
    """Read what is occupied; if the request needs one provider's time only, also claim it in the same round trip.

    The claim may be one that the rules or an overbooked appointment forbid; then the write is refused and rolled back.
    It may wait for a write that is expiring an overdue hold. For both reasons only a write that may wait for
    appointments claims unseen; a series and an offer, which continue after a refusal, hold other locks by then. A claim
    that failed holds nothing, so the write may still wait for the hold.
    """
    query, business_id = request.query, write.ctx.business_id
    if (
        not query.needs_provider_time_only
        or len(query.providers) != 1
        or request.needs_a_decision_first
        or not write.locks.waits_for_appointments
    ):
        return _read_occupancy(write, request), None
    read = read_occupancy_later(write.db, business_id, query, (request.start, request.start + 1))
    provider_ids = (query.providers[0].provider_id,)
    time, offering_id = query.claimed_range(request.start), query.offering.offering_id
    claimed = store.claim_time(
        write.db, business_id, request.holder_id, offering_id, provider_ids, time, expires_at=request.expires_at
    )
    if not claimed:
        return read(), None
    write.locks.enter_claims()
    return read(), Reservation(provider_ids, (), None)


def _claim(write: Write, request: ReservationRequest, candidate: Candidate) -> Reservation | None:
    """Claim a candidate; None if another booking was faster."""
    query, business_id = request.query, write.ctx.business_id
    write.locks.enter_claims()
    if candidate.session_id is not None:
        return _join_session(write, request, candidate.provider_ids, candidate.session_id)
    in_session = query.offering.capacity > 1
    holder_id = uuid7() if in_session else request.holder_id
    time = query.claimed_range(request.start)
    ids = [*candidate.provider_ids, *candidate.resource_ids]
    offering_id = query.offering.offering_id
    if not store.claim_time(write.db, business_id, holder_id, offering_id, ids, time, expires_at=request.expires_at):
        return None
    if in_session:
        store.insert_session(
            write.db,
            business_id,
            holder_id,
            offering_id,
            candidate.provider_ids[0],
            (request.start, request.start + query.length),
            query.offering.capacity,
            query.seats,
        )
    return Reservation(candidate.provider_ids, candidate.resource_ids, holder_id if in_session else None)


def _join_session(
    write: Write, request: ReservationRequest, provider_ids: tuple[UUID, ...], session_id: UUID
) -> Reservation | None:
    business_id, seats = write.ctx.business_id, request.query.seats
    if not store.take_seats(write.db, business_id, session_id, seats, request.expires_at):
        expire_holds_in_session(write, session_id)
        if not store.take_seats(write.db, business_id, session_id, seats, request.expires_at):
            return None
    others = store.read_claimed_ids(write.db, business_id, session_id) - set(provider_ids)
    return Reservation(provider_ids, tuple(sorted(others)), session_id)


def _free_resources(query: AvailabilityQuery, start: int, occupancy: Occupancy) -> tuple[UUID, ...]:
    return StartConditions(query, occupancy).free_resources(start) or ()


def _reserve_overridden(write: Write, request: ReservationRequest, occupancy: Occupancy) -> Reservation:
    """Reserve a start that is not offered, if staff may override every rule against it."""
    query = request.query
    reasons = rejection_reasons(query, request.start, occupancy)
    overridden = overridden_rules(reasons, overbook=request.overbook, override=request.override)
    index = 0 if query.collective else closest_provider(query, request.start, occupancy)
    providers = query.providers if query.collective else query.providers[index : index + 1]
    ids = tuple(each.provider_id for each in providers)
    if not {"taken", "full", "resources"}.intersection(overridden):
        candidate = Candidate(ids, _free_resources(query, request.start, occupancy), None)
        reservation = _claim(write, request, candidate)
        if reservation is None:
            raise slot_unavailable("taken")
        return Reservation(
            reservation.provider_ids, reservation.resource_ids, reservation.session_id, False, overridden
        )
    session = occupancy.sessions.get((index, request.start))
    if session is not None and session.ends == request.start + query.length:
        return _overbook_session(write, ids, session.session_id, overridden)
    resources = _free_resources(query, request.start, occupancy)
    time, offering_id = query.claimed_range(request.start), query.offering.offering_id
    wanted = [*ids, *resources]
    write.locks.enter_claims()
    store.claim_time(write.db, write.ctx.business_id, request.holder_id, offering_id, wanted, time, overbooked=True)
    return Reservation(ids, resources, None, True, overridden)


def _overbook_session(
    write: Write, ids: tuple[UUID, ...], session_id: UUID, overridden: tuple[str, ...]
) -> Reservation:
    """Join a full session without taking a seat. Taking zero seats locks it against deletion."""
    business_id = write.ctx.business_id
    write.locks.enter_claims()
    if not store.take_seats(write.db, business_id, session_id, 0, None):
        raise slot_unavailable("full")
    others = store.read_claimed_ids(write.db, business_id, session_id) - set(ids)
    return Reservation(ids, tuple(sorted(others)), session_id, True, overridden)
