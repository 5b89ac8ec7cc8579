"""One start: the candidates that can take it, or the reasons against it."""

from typing import NamedTuple
from uuid import UUID

from scheduling_service.engine.availability.conditions import StartConditions
from scheduling_service.engine.availability.occupancy import Occupancy
from scheduling_service.engine.availability.query import AvailabilityQuery
from scheduling_service.engine.availability.search import free_starts
from scheduling_service.engine.hours import local_date
from scheduling_service.engine.rules import ProviderRules


class Candidate(NamedTuple):
    """One way to book a start. `session_id` names the session to join; None means that new time is claimed."""

    provider_ids: tuple[UUID, ...]
    resource_ids: tuple[UUID, ...]
    session_id: UUID | None


def candidates_at(query: AvailabilityQuery, start: int, occupancy: Occupancy) -> list[Candidate]:
    """Return a candidate per provider, sorted by id, or one in all for a collective.

    If the list is empty, `rejection_reasons` explains why.
    """
    conditions = StartConditions(query, occupancy)
    candidates = []
    # For a single start, looking at each resource is cheaper than a sweep over all of their claims.
    for _, index in free_starts(query, (start, start + 1), occupancy, shortages=()):
        session = conditions.session_to_join(index, start)
        resources = () if session is not None else conditions.free_resources(start)
        if resources is None:
            continue
        providers = query.providers if query.collective else query.providers[index : index + 1]
        session_id = None if session is None else session.session_id
        candidates.append(Candidate(tuple(each.provider_id for each in providers), resources, session_id))
    return candidates


def rejection_reasons(query: AvailabilityQuery, start: int, occupancy: Occupancy) -> tuple[str, ...]:
    """Return all reasons against a start: those of the closest provider, or of all together for a collective.

    Sorted by precedence: the first is the one to report. Empty if and only if `candidates_at` is not.
    """
    if not query.providers:
        return ("not_offered",)
    if query.collective:
        indexes = range(len(query.providers))
        reasons = {reason for index in indexes for reason in rejection_reasons_for(query, index, start, occupancy)}
        return tuple(sorted(reasons, key=_PRECEDENCE.index))
    return tuple(rejection_reasons_for(query, closest_provider(query, start, occupancy), start, occupancy))


def closest_provider(query: AvailabilityQuery, start: int, occupancy: Occupancy) -> int:
    """Return the index of the provider with the fewest reasons; of several, the one whose reasons come first."""

    def weight(index: int) -> tuple[int, list[int]]:
        reasons = rejection_reasons_for(query, index, start, occupancy)
        return len(reasons), [_PRECEDENCE.index(reason) for reason in reasons]

    return min(range(len(query.providers)), key=weight)


_PRECEDENCE = (
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
    """Return all reasons against a start with the provider at this index of the query, sorted by precedence."""
    provider = query.providers[index]
    conditions = StartConditions(query, occupancy)
    reasons = [*_booking_window_reasons(query, provider, start, occupancy.now), *_hours_reasons(query, provider, start)]
    if conditions.session_to_join(index, start) is None:
        reasons += _occupancy_reasons(query, index, start, occupancy, conditions)
    limit = conditions.exceeded_limit(index, start)
    return reasons if limit is None else [*reasons, limit]


def _occupancy_reasons(
    query: AvailabilityQuery, index: int, start: int, occupancy: Occupancy, conditions: StartConditions
) -> list[str]:
    session = occupancy.sessions.get((index, start))
    if session is not None and session.ends == start + query.length:
        return ["full"]
    begins, ends = query.claimed_range(start)
    busy = any(begins < end and ends > begin for begin, end in occupancy.providers[index])
    return ["taken"] * busy + ["no_resource"] * (conditions.free_resources(start) is None)


def _booking_window_reasons(query: AvailabilityQuery, provider: ProviderRules, start: int, now: int) -> list[str]:
    opens, closes = query.bookable_range(provider, now)
    if start <= now:
        return ["past"]
    if start < max(query.earliest_start(now), opens):
        return ["too_soon"]
    return ["too_late"] if start >= closes else []


def _hours_reasons(query: AvailabilityQuery, provider: ProviderRules, start: int) -> list[str]:
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
