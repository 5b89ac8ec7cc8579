"""Moving an appointment: it keeps its id, history, duration and seats, and does not stand in its own way."""

import dataclasses

from msgspec.structs import replace

from contracts.scheduling import events as e
from contracts.scheduling import models as m
from contracts.scheduling.errors import Forbidden
from scheduling_service.engine.availability import Question, ask
from scheduling_service.engine.booking import changing, policies
from scheduling_service.engine.booking.spots import Spot, Wish, take
from scheduling_service.engine.hours import as_utc
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.waitlist import offer_freed
from scheduling_service.engine.writing import Write


def reschedule(write: Write, rules: BusinessRules, request: m.Reschedule) -> m.Appointment:
    if (request.overbook or request.override) and policies.by_customer(write):
        raise Forbidden("Only staff may book what is not offered.")
    found = changing.to_change(write, request.appointment_id, request.expected_version, ("pending", "booked"))
    current = found.appointment
    policies.require_ahead(write, current)
    verdict = policies.on_reschedule(write, rules.offering(current.offering_id), current)
    question = question_of_move(rules, current, request)
    start = int(request.starts_at.timestamp())
    wish = Wish(
        question=question,
        start=start,
        holder_id=current.appointment_id,
        overbook=request.overbook,
        override=request.override,
        moves=found,
    )
    spot = take(write, wish)
    moved = moved_to(write, current, question, start, spot)
    changing.update(
        write,
        moved,
        spot.session_id,
        e.AppointmentRescheduled,
        overridden=(*verdict.overridden, *spot.overridden),
        previous_starts_at=current.starts_at,
        previous_provider_id=current.provider_id,
        fee_percent=verdict.fee_percent,
    )
    offer_freed(write, rules, current)
    return moved


def question_of_move(rules: BusinessRules, current: m.Appointment, request: m.Reschedule | None = None) -> Question:
    """As long, and for as many people, as the appointment is, whatever the offering has become."""
    offering = rules.offering(current.offering_id)
    provider_id = None if request is None else request.provider_id
    if provider_id is None and offering.assignment != "collective":
        provider_id = current.provider_id
    question = ask(rules, current.offering_id, provider_id=provider_id, customer_id=current.customer_id)
    length = int((current.ends_at - current.starts_at).total_seconds())
    return dataclasses.replace(question, length=length, seats=current.seats)


def moved_to(write: Write, current: m.Appointment, question: Question, start: int, spot: Spot) -> m.Appointment:
    provider = question.rules.provider(spot.provider_ids[0])
    starts_at = as_utc(start)
    return replace(
        current,
        provider_id=provider.provider_id,
        provider_name=provider.name,
        provider_ids=spot.provider_ids if question.collective else (),
        resource_ids=spot.resource_ids,
        starts_at=starts_at,
        ends_at=starts_at + (current.ends_at - current.starts_at),
        zone=provider.zone.key,
        overbooked=spot.overbooked,
        version=current.version + 1,
        reschedules=current.reschedules + policies.by_customer(write),
    )
