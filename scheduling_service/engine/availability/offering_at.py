"""Whether something can be booked at one moment: by whom, with what; or why not."""

from typing import NamedTuple
from uuid import UUID

from scheduling_service.engine.availability.conditions import Conditions
from scheduling_service.engine.availability.listing import free_starts
from scheduling_service.engine.availability.question import Question
from scheduling_service.engine.availability.taken import Taken
from scheduling_service.engine.hours import local_date
from scheduling_service.engine.rules import ProviderRules


class Offer(NamedTuple):
    """One way to book a start. `session_id`: the session whose seats it takes; None: it takes time of its own."""

    provider_ids: tuple[UUID, ...]
    resource_ids: tuple[UUID, ...]
    session_id: UUID | None


def offers_at(question: Question, start: int, taken: Taken) -> list[Offer]:
    """One for each provider who can take it, by id; one in all for a collective. If none, `objections` says why."""
    conditions = Conditions(question, taken)
    offers = []
    for _, place in free_starts(question, (start, start + 1), taken):
        session = conditions.session_to_join(place, start)
        resources = () if session is not None else conditions.resources_at(start) or ()
        those = question.providers if question.collective else question.providers[place : place + 1]
        offers.append(
            Offer(tuple(each.provider_id for each in those), resources, None if session is None else session.session_id)
        )
    return offers


def objections(question: Question, start: int, taken: Taken) -> tuple[str, ...]:
    """Everything against a start, for the provider with the least against it; of a collective, for all together.

    The first is the reason to give. Empty if and only if it is offered.
    """
    if not question.providers:
        return ("not_offered",)
    if question.collective:
        places = range(len(question.providers))
        every = {reason for place in places for reason in objections_of(question, place, start, taken)}
        return tuple(sorted(every, key=_ORDER.index))
    return tuple(objections_of(question, closest(question, start, taken), start, taken))


def closest(question: Question, start: int, taken: Taken) -> int:
    """The place of the provider with the least against it, and of those the one against whom the first thing is."""

    def weight(place: int) -> tuple[int, list[int]]:
        reasons = objections_of(question, place, start, taken)
        return len(reasons), [_ORDER.index(reason) for reason in reasons]

    return min(range(len(question.providers)), key=weight)


_ORDER = (
    "not_offered",
    "past",
    "too_soon",
    "too_late",
    "closed",
    "outside_hours",
    "off_grid",
    "taken",
    "full",
    "no_resource",
    "provider_limit",
    "customer_limit",
)


def objections_of(question: Question, place: int, start: int, taken: Taken) -> list[str]:
    """Everything against a start with the provider at this place of the question."""
    provider = question.providers[place]
    conditions = Conditions(question, taken)
    reasons = [*_too_early_or_late(question, provider, start, taken.now), *_out_of_hours(question, provider, start)]
    if conditions.session_to_join(place, start) is None:
        reasons += _taken(question, place, start, taken, conditions)
    limit = conditions.limit_reached(place, start)
    return reasons if limit is None else [*reasons, limit]


def _taken(question: Question, place: int, start: int, taken: Taken, conditions: Conditions) -> list[str]:
    session = taken.sessions.get((place, start))
    if session is not None and session.ends == start + question.length:
        return ["full"]
    begins, ends = question.claim(start)
    busy = any(begins < end and ends > begin for begin, end in taken.providers[place])
    return ["taken"] * busy + ["no_resource"] * (conditions.resources_at(start) is None)


def _too_early_or_late(question: Question, provider: ProviderRules, start: int, now: int) -> list[str]:
    opens, closes = question.bookable(provider, now)
    if start <= now:
        return ["past"]
    if start < max(question.earliest(now), opens):
        return ["too_soon"]
    return ["too_late"] if start >= closes else []


def _out_of_hours(question: Question, provider: ProviderRules, start: int) -> list[str]:
    end = start + question.length
    within = provider.works_during(start, end)
    reasons = []
    if any(start < until and end > since for since, until in provider.blocked):
        reasons.append("closed")
    elif not within:
        reasons.append("closed" if provider.closed_on(local_date(start, provider.zone)) else "outside_hours")
    if within and question.on_grid and not provider.is_on_grid(question.grid, start):
        reasons.append("off_grid")
    return reasons
