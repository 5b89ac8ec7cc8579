"""Taking time for an appointment, and giving it back."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7

from scheduling_service.engine.availability import (
    Conditions,
    Offer,
    Question,
    Taken,
    closest,
    objections,
    offers_at,
    read_taken,
)
from scheduling_service.engine.booking import choosing
from scheduling_service.engine.booking.expiring import expire_in_session, expire_in_the_way
from scheduling_service.engine.booking.refusals import set_aside, unavailable
from scheduling_service.engine.store import claims as store
from scheduling_service.engine.store.appointments import Locked
from scheduling_service.engine.writing import Overtaken, Write

_ROUNDS = 8
"""Each lost round means that somebody else won one; then the time counts as taken."""


@dataclass(frozen=True)
class Wish:
    """What is to be taken, for whom. `holder_id` is the appointment."""

    question: Question
    start: int
    holder_id: UUID
    expires_at: datetime | None = None
    assigned: bool = False
    """Nobody was named: whom the offering's assignment chooses."""
    overbook: bool = False
    override: bool = False
    moves: Locked | None = None
    """The appointment as it stands: its time is given back first, so that it does not stand in its own way."""


@dataclass(frozen=True)
class Spot:
    """What was taken. `overridden` names the rules that staff set aside."""

    provider_ids: tuple[UUID, ...]
    resource_ids: tuple[UUID, ...]
    session_id: UUID | None
    overbooked: bool = False
    overridden: tuple[str, ...] = ()


def take(write: Write, wish: Wish) -> Spot:
    """Raises SlotUnavailable, and Overtaken. What it takes is given back if the transaction does not commit."""
    question = wish.question
    if not question.plain or wish.assigned or wish.moves is not None:
        _look_first(write, wish)
    turns = _take_turns(write, wish)
    if wish.moves is not None:
        give_back(write, wish.moves)
    for _ in range(_ROUNDS):
        taken = _read(write, wish)
        if taken.overdue:
            expire_in_the_way(write, question, wish.start)
            taken = _read(write, wish)
        offers = offers_at(question, wish.start, taken)
        if not offers:
            return _set_aside(write, wish, taken)
        for offer in turns.ranked(write, question, wish.start, offers) if turns else offers:
            spot = _claim(write, wish, offer)
            if spot is not None:
                if turns and offer.session_id is None:
                    turns.record(write, question, spot.provider_ids[0])
                return spot
        if question.plain and len(offers) == 1:
            break
    raise unavailable("taken")


def _look_first(write: Write, wish: Wish) -> None:
    """Before any lock: whoever changes a hold may come to wait for one, and who is refused should wait for nobody."""
    question = wish.question
    if wish.moves is not None or question.offering.capacity > 1:
        expire_in_the_way(write, question, wish.start)
    if wish.moves is not None:
        return
    taken = _read(write, wish)
    if taken.overdue:
        expire_in_the_way(write, question, wish.start)
    elif not offers_at(question, wish.start, taken):
        set_aside(objections(question, wish.start, taken), overbook=wish.overbook, override=wish.override)


def give_back(write: Write, locked: Locked) -> None:
    """The time and seats of an appointment that has ended, or is about to move."""
    appointment, business_id = locked.appointment, write.ctx.business_id
    write.may_wait = False
    if locked.session_id is None:
        store.free_time(write.db, business_id, appointment.appointment_id)
    else:
        seats = 0 if appointment.overbooked else appointment.seats
        store.return_seats(write.db, business_id, locked.session_id, seats, appointment.appointment_id)


def _take_turns(write: Write, wish: Wish) -> choosing.Turns | None:
    """The locks, in the order that all writes keep: customer, assignment, then providers and resources by id."""
    question, business_id = wish.question, write.ctx.business_id
    customer_id = question.customer_id if question.limited else None
    assigns = wish.assigned and not question.collective
    ids = _taken_in_turn(wish)
    if write.in_passing:
        offering_id = question.offering.offering_id if assigns else None
        if not store.lock_at_once(write.db, business_id, customer_id, offering_id, ids):
            raise Overtaken("Somebody else's turn has not ended.")
    if customer_id is not None:
        store.lock_customer(write.db, business_id, customer_id)
    turns = choosing.take_turns(write, question) if assigns else None
    if ids:
        store.lock_in_turn(write.db, business_id, ids)
    write.may_wait = write.may_wait and not (customer_id or assigns or ids)
    return turns


def _taken_in_turn(wish: Wish) -> list[UUID]:
    """The providers and resources that whoever needs several locks first; none if one provider's time is all."""
    question, moved = wish.question, wish.moves
    if not (moved or question.collective or question.limits_providers or question.offering.needs):
        return []
    ids = [each.provider_id for each in question.providers] + [each.resource_id for each in question.resources]
    if moved is not None:
        appointment = moved.appointment
        ids += [appointment.provider_id, *appointment.provider_ids, *appointment.resource_ids]
    return ids


def _read(write: Write, wish: Wish) -> Taken:
    window = (wish.start, wish.start + 1)
    taken = read_taken(write.db, write.ctx.business_id, wish.question, window, without=wish.holder_id)
    assert taken is not None, "a write has a business"
    return taken


def _claim(write: Write, wish: Wish, offer: Offer) -> Spot | None:
    """None when somebody else was faster."""
    question, business_id = wish.question, write.ctx.business_id
    write.may_wait = False
    if offer.session_id is not None:
        return _join(write, wish, offer.provider_ids, offer.session_id)
    in_session = question.offering.capacity > 1
    holder_id = uuid7() if in_session else wish.holder_id
    time = question.claim(wish.start)
    ids = [*offer.provider_ids, *offer.resource_ids]
    offering_id = question.offering.offering_id
    if not store.take_time(write.db, business_id, holder_id, offering_id, ids, time, expires_at=wish.expires_at):
        return None
    if in_session:
        length = (wish.start, wish.start + question.length)
        store.open_session(
            write.db,
            business_id,
            holder_id,
            offering_id,
            offer.provider_ids[0],
            length,
            question.offering.capacity,
            question.seats,
        )
    return Spot(offer.provider_ids, offer.resource_ids, holder_id if in_session else None)


def _join(write: Write, wish: Wish, provider_ids: tuple[UUID, ...], session_id: UUID) -> Spot | None:
    business_id, seats = write.ctx.business_id, wish.question.seats
    if not store.take_seats(write.db, business_id, session_id, seats, wish.expires_at):
        expire_in_session(write, session_id)
        if not store.take_seats(write.db, business_id, session_id, seats, wish.expires_at):
            return None
    others = store.held_resources(write.db, business_id, session_id) - set(provider_ids)
    return Spot(provider_ids, tuple(sorted(others)), session_id)


def _resources(question: Question, start: int, taken: Taken) -> tuple[UUID, ...]:
    return Conditions(question, taken).resources_at(start) or ()


def _set_aside(write: Write, wish: Wish, taken: Taken) -> Spot:
    """What staff take although it is not offered."""
    question = wish.question
    against = objections(question, wish.start, taken)
    overridden = set_aside(against, overbook=wish.overbook, override=wish.override)
    place = 0 if question.collective else closest(question, wish.start, taken)
    providers = question.providers if question.collective else question.providers[place : place + 1]
    ids = tuple(each.provider_id for each in providers)
    if not {"taken", "full", "resources"}.intersection(overridden):
        spot = _claim(write, wish, Offer(ids, _resources(question, wish.start, taken), None))
        if spot is None:
            raise unavailable("taken")
        return Spot(spot.provider_ids, spot.resource_ids, spot.session_id, False, overridden)
    session = taken.sessions.get((place, wish.start))
    if session is not None and session.ends == wish.start + question.length:
        return _squeeze_in(write, ids, session.session_id, overridden)
    resources = _resources(question, wish.start, taken)
    time, offering_id = question.claim(wish.start), question.offering.offering_id
    wanted = [*ids, *resources]
    store.take_time(write.db, write.ctx.business_id, wish.holder_id, offering_id, wanted, time, overbooked=True)
    return Spot(ids, resources, None, True, overridden)


def _squeeze_in(write: Write, ids: tuple[UUID, ...], session_id: UUID, overridden: tuple[str, ...]) -> Spot:
    """Without a seat; but the session must not go with its last seat meanwhile."""
    business_id = write.ctx.business_id
    if not store.take_seats(write.db, business_id, session_id, 0, None):
        raise unavailable("full")
    others = store.held_resources(write.db, business_id, session_id) - set(ids)
    return Spot(ids, tuple(sorted(others)), session_id, True, overridden)
