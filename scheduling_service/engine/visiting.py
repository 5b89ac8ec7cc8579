"""Several services in one visit: when they can follow one another, and what each is asked."""

import math
from collections.abc import Sequence
from itertools import pairwise
from uuid import UUID

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import InvalidRequest
from scheduling_service.engine.availability import Question, Taken, ask, free_starts, offers_at
from scheduling_service.engine.database import Database
from scheduling_service.engine.hours import as_utc
from scheduling_service.engine.rules import BusinessRules, Range, RulesCache
from scheduling_service.engine.searching import read_current, whose_limits, with_current_rules


def search_visits(database: Database, cache: RulesCache, ctx: CallContext, request: m.SearchVisits) -> m.VisitSlots:
    """One query for each service of the visit, whatever the days."""

    def answer(rules: BusinessRules) -> m.VisitSlots | None:
        customer_id = whose_limits(ctx, request.customer_id)
        providers = [request.provider_id] * len(request.offering_ids)
        questions = visit_questions(rules, request.offering_ids, providers, customer_id)
        window = math.ceil(request.start.timestamp()), math.ceil(request.end.timestamp())
        taken: list[Taken] = []
        for question, later in zip(questions, offsets(questions), strict=True):
            found = read_current(database, ctx, question, (window[0] + later, window[1] + later))
            if found is None:
                return None
            taken.append(found)
        return m.VisitSlots(zone=rules.zone, slots=tuple(visit_slots(questions, taken, window)))

    return with_current_rules(database, cache, ctx, answer)


def visit_questions(
    rules: BusinessRules,
    offering_ids: Sequence[UUID],
    provider_ids: Sequence[UUID | None],
    customer_id: UUID | None,
) -> list[Question]:
    """What is asked for each service, in order; only the first has to stand on its grid."""
    repeated = {each for each in offering_ids if offering_ids.count(each) > 1}
    if any(rules.offering(each).limits != m.Limits() for each in repeated):
        raise InvalidRequest("A service with limits cannot stand twice in one visit.", field="offering_ids")
    return [
        ask(rules, offering_id, provider_id=provider_id, customer_id=customer_id, on_grid=place == 0)
        for place, (offering_id, provider_id) in enumerate(zip(offering_ids, provider_ids, strict=True))
    ]


def offsets(questions: Sequence[Question]) -> list[int]:
    """How long after the visit's start each service begins, in seconds: what they take is contiguous."""
    found = [0]
    for earlier, later in pairwise(questions):
        found.append(found[-1] + earlier.length + earlier.after + later.before)
    return found


def visit_slots(questions: Sequence[Question], taken: Sequence[Taken], window: Range) -> list[m.VisitSlot]:
    """Every start in the window at which all services can follow one another, ascending; `taken` is by service."""
    starts = sorted({start for start, _ in free_starts(questions[0], window, taken[0])})
    later = offsets(questions)
    lasts = later[-1] + questions[-1].length
    return [
        m.VisitSlot(starts_at=as_utc(start), ends_at=as_utc(start + lasts))
        for start in starts
        if all(offers_at(questions[n], start + later[n], taken[n]) for n in range(1, len(questions)))
    ]
