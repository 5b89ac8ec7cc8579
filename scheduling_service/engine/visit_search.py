"""Search for visits: several services in a row, each starting when the one before it ends."""

import math
from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

from contracts.chassis.deadline import Deadline
from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import InvalidRequest
from scheduling_service.engine.availability import (
    AvailabilityQuery,
    Occupancy,
    bounded_end,
    build_query,
    candidates_at,
    free_starts,
)
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.hours import to_utc
from scheduling_service.engine.rules import BusinessRules, Range, RulesCache
from scheduling_service.engine.slot_search import (
    limits_customer,
    next_start,
    read_current_occupancy,
    with_current_rules,
)


def search_visits(
    database: EngineDatabase, cache: RulesCache, ctx: CallContext, request: m.SearchVisits
) -> m.VisitSlots:
    """Return the starts at which all services fit. Runs one statement per service."""

    def answer(rules: BusinessRules) -> m.VisitSlots | None:
        customer_id = limits_customer(ctx, request.customer_id)
        providers = [request.provider_id] * len(request.offering_ids)
        queries = build_visit_queries(rules, request.offering_ids, providers, customer_id, ctx.deadline)
        start, end = math.ceil(request.start.timestamp()), math.ceil(request.end.timestamp())
        checks = 1 + sum(len(each.providers) for each in queries[1:])
        window = (start, bounded_end(queries[0], (start, end), checks_per_start=checks))
        occupancies: list[Occupancy] = []
        for query, offset in zip(queries, start_offsets(queries), strict=True):
            found = read_current_occupancy(database, ctx, query, (window[0] + offset, window[1] + offset))
            if found is None:
                return None
            occupancies.append(found)
        slots = tuple(visit_slots(queries, occupancies, window))
        return m.VisitSlots(zone=rules.zone, slots=slots, next_start=next_start(window, end))

    return with_current_rules(database, cache, ctx, answer)


def build_visit_queries(
    rules: BusinessRules,
    offering_ids: Sequence[UUID],
    provider_ids: Sequence[UUID | None],
    customer_id: UUID | None,
    deadline: Deadline | None = None,
) -> list[AvailabilityQuery]:
    """Build a query per service, in order. Only the first has to start on its offering's grid."""
    repeated = {each for each in offering_ids if offering_ids.count(each) > 1}
    if any(rules.offering(each).limits != m.Limits() for each in repeated):
        raise InvalidRequest("A service with limits can occur only once in a visit.", field="offering_ids")
    return [
        build_query(
            rules,
            offering_id,
            provider_id=provider_id,
            customer_id=customer_id,
            on_grid=index == 0,
            deadline=deadline,
        )
        for index, (offering_id, provider_id) in enumerate(zip(offering_ids, provider_ids, strict=True))
    ]


def start_offsets(queries: Sequence[AvailabilityQuery]) -> list[int]:
    """Return each service's start in seconds after the visit's. The claimed times, with buffers, are adjacent."""
    found = [0]
    for earlier, later in pairwise(queries):
        found.append(found[-1] + earlier.length + earlier.buffer_after + later.buffer_before)
    return found


def visit_slots(
    queries: Sequence[AvailabilityQuery], occupancies: Sequence[Occupancy], window: Range
) -> list[m.VisitSlot]:
    """Return the starts in the window at which all services fit, sorted. `occupancies` has one item per service."""
    starts = sorted({start for start, _ in free_starts(queries[0], window, occupancies[0])})
    offsets = start_offsets(queries)
    length = offsets[-1] + queries[-1].length
    return [
        m.VisitSlot(starts_at=to_utc(start), ends_at=to_utc(start + length))
        for start in starts
        if all(candidates_at(queries[n], start + offsets[n], occupancies[n]) for n in range(1, len(queries)))
    ]
