"""Several services in one visit: when they can follow one another, and what each is asked."""

import math
from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import InvalidRequest
from scheduling_service.engine.availability import AvailabilityQuery, Occupancy, build_query, candidates_at, free_starts
from scheduling_service.engine.database import Database
from scheduling_service.engine.hours import to_utc
from scheduling_service.engine.rules import BusinessRules, Range, RulesCache
from scheduling_service.engine.slot_search import customer_of_limits, read_current_occupancy, with_current_rules


def search_visits(database: Database, cache: RulesCache, ctx: CallContext, request: m.SearchVisits) -> m.VisitSlots:
    """One query for each service of the visit, whatever the days."""

    def answer(rules: BusinessRules) -> m.VisitSlots | None:
        customer_id = customer_of_limits(ctx, request.customer_id)
        providers = [request.provider_id] * len(request.offering_ids)
        queries = build_visit_queries(rules, request.offering_ids, providers, customer_id)
        window = math.ceil(request.start.timestamp()), math.ceil(request.end.timestamp())
        occupancy: list[Occupancy] = []
        for query, later in zip(queries, start_offsets(queries), strict=True):
            found = read_current_occupancy(database, ctx, query, (window[0] + later, window[1] + later))
            if found is None:
                return None
            occupancy.append(found)
        return m.VisitSlots(zone=rules.zone, slots=tuple(visit_slots(queries, occupancy, window)))

    return with_current_rules(database, cache, ctx, answer)


def build_visit_queries(
    rules: BusinessRules,
    offering_ids: Sequence[UUID],
    provider_ids: Sequence[UUID | None],
    customer_id: UUID | None,
) -> list[AvailabilityQuery]:
    """What is asked for each service, in order; only the first has to stand on its grid."""
    repeated = {each for each in offering_ids if offering_ids.count(each) > 1}
    if any(rules.offering(each).limits != m.Limits() for each in repeated):
        raise InvalidRequest("A service with limits cannot stand twice in one visit.", field="offering_ids")
    return [
        build_query(rules, offering_id, provider_id=provider_id, customer_id=customer_id, on_grid=index == 0)
        for index, (offering_id, provider_id) in enumerate(zip(offering_ids, provider_ids, strict=True))
    ]


def start_offsets(queries: Sequence[AvailabilityQuery]) -> list[int]:
    """How long after the visit's start each service begins, in seconds: what they take is contiguous."""
    found = [0]
    for earlier, later in pairwise(queries):
        found.append(found[-1] + earlier.length + earlier.after + later.before)
    return found


def visit_slots(
    queries: Sequence[AvailabilityQuery], occupancy: Sequence[Occupancy], window: Range
) -> list[m.VisitSlot]:
    """Every start in the window at which all services can follow one another, ascending; `occupancy` is by service."""
    starts = sorted({start for start, _ in free_starts(queries[0], window, occupancy[0])})
    later = start_offsets(queries)
    lasts = later[-1] + queries[-1].length
    return [
        m.VisitSlot(starts_at=to_utc(start), ends_at=to_utc(start + lasts))
        for start in starts
        if all(candidates_at(queries[n], start + later[n], occupancy[n]) for n in range(1, len(queries)))
    ]
