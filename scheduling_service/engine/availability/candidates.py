"""Whether something can be booked at one moment: by whom, with what; or why not."""

from typing import NamedTuple
from uuid import UUID

from scheduling_service.engine.availability.conditions import Conditions
from scheduling_service.engine.availability.occupancy import Occupancy
from scheduling_service.engine.availability.query import AvailabilityQuery
from scheduling_service.engine.availability.search import free_starts
from scheduling_service.engine.hours import local_date
from scheduling_service.engine.rules import ProviderRules


class Candidate(NamedTuple):
    """One way to book a start. `session_id`: the session whose seats it takes; None: it takes time of its own."""

    provider_ids: tuple[UUID, ...]
    resource_ids: tuple[UUID, ...]
    session_id: UUID | None


def candidates_at(query: AvailabilityQuery, start: int, occupancy: Occupancy) -> list[Candidate]:
    """Return a candidate per provider, by id, or one for a collective; if empty, `rejection_reasons` says why."""
    conditions = Conditions(query, occupancy)
    offers = []
    for _, index in free_starts(query, (start, start + 1), occupancy):
        session = conditions.session_to_join(index, start)
        resources = () if session is not None else conditions.free_resources(start) or ()
        those = query.providers if query.collective else query.providers[index : index + 1]
        offers.append(
            Candidate(
                tuple(each.provider_id for each in those), resources, None if session is None else session.session_id
            )
        )
    return offers


def rejection_reasons(query: AvailabilityQuery, start: int, occupancy: Occupancy) -> tuple[str, ...]:
    """Everything against a start, for the provider with the least against it; of a collective, for all together.

    The first is the reason to give. Empty if and only if it is offered.
    """
    if not query.providers:
        return ("not_offered",)
    if query.collective:
        indexes = range(len(query.providers))
        every = {reason for index in indexes for reason in rejection_reasons_for(query, index, start, occupancy)}
        return tuple(sorted(every, key=_ORDER.index))
    return tuple(rejection_reasons_for(query, closest_provider(query, start, occupancy), start, occupancy))


def closest_provider(query: AvailabilityQuery, start: int, occupancy: Occupancy) -> int:
    """The place of the provider with the least against it, and of those the one against whom the first thing is."""

    def weight(index: int) -> tuple[int, list[int]]:
        reasons = rejection_reasons_for(query, index, start, occupancy)
        return len(reasons), [_ORDER.index(reason) for reason in reasons]

    return min(range(len(query.providers)), key=weight)


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


def rejection_reasons_for(query: AvailabilityQuery, index: int, start: int, occupancy: Occupancy) -> list[str]:
    """Everything against a start with the provider at this place of the question."""
    provider = query.providers[index]
    conditions = Conditions(query, occupancy)
    reasons = [*_too_early_or_late(query, provider, start, occupancy.now), *_out_of_hours(query, provider, start)]
    if conditions.session_to_join(index, start) is None:
        reasons += _occupied_reasons(query, index, start, occupancy, conditions)
    limit = conditions.exceeded_limit(index, start)
    return reasons if limit is None else [*reasons, limit]


def _occupied_reasons(
    query: AvailabilityQuery, index: int, start: int, occupancy: Occupancy, conditions: Conditions
) -> list[str]:
    session = occupancy.sessions.get((index, start))
    if session is not None and session.ends == start + query.length:
        return ["full"]
    begins, ends = query.claim(start)
    busy = any(begins < end and ends > begin for begin, end in occupancy.providers[index])
    return ["taken"] * busy + ["no_resource"] * (conditions.free_resources(start) is None)


def _too_early_or_late(query: AvailabilityQuery, provider: ProviderRules, start: int, now: int) -> list[str]:
    opens, closes = query.bookable_range(provider, now)
    if start <= now:
        return ["past"]
    if start < max(query.earliest_start(now), opens):
        return ["too_soon"]
    return ["too_late"] if start >= closes else []


def _out_of_hours(query: AvailabilityQuery, provider: ProviderRules, start: int) -> list[str]:
    end = start + query.length
    within = provider.works_during(start, end)
    reasons = []
    if any(start < until and end > since for since, until in provider.blocked):
        reasons.append("closed")
    elif not within:
        reasons.append("closed" if provider.is_closed_on(local_date(start, provider.zone)) else "outside_hours")
    if within and query.on_grid and not provider.is_on_grid(query.grid, start):
        reasons.append("off_grid")
    return reasons
