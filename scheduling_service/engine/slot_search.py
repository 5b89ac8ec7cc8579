"""What can be booked: slots, the next ones, a month at a glance, visits."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import BusinessNotFound, Forbidden, InvalidRequest, NotFound, Unavailable
from contracts.scheduling.values import LONGEST_SEARCH_DAYS
from scheduling_service.engine.availability import (
    AvailabilityQuery,
    Occupancy,
    build_query,
    days_with_availability,
    free_slots,
    read_occupancy,
)
from scheduling_service.engine.catalog import load_rules
from scheduling_service.engine.database import Database, time_left_ms
from scheduling_service.engine.hours import instant_of
from scheduling_service.engine.queries import execute_read
from scheduling_service.engine.rules import BusinessRules, Range, RulesCache

_ROUNDS = 3
_DAY = 86_400

T = TypeVar("T")
Asked = m.SearchSlots | m.NextAvailable | m.GetOverview


def search_slots(database: Database, cache: RulesCache, ctx: CallContext, request: m.SearchSlots) -> m.Slots:
    def answer(rules: BusinessRules) -> m.Slots | None:
        query, window = _build_query(rules, ctx, request), _window(request.start, request.end)
        occupancy = read_current_occupancy(database, ctx, query, window)
        if occupancy is None:
            return None
        zone = request.viewer_zone or rules.zone
        slots = tuple(free_slots(query, window, occupancy))
        return _by_day(slots, zone) if request.by_day else m.Slots(zone=zone, slots=slots)

    return with_current_rules(database, cache, ctx, answer)


def next_available(database: Database, cache: RulesCache, ctx: CallContext, request: m.NextAvailable) -> m.Slots:
    def answer(rules: BusinessRules) -> m.Slots | None:
        query = _build_query(rules, ctx, request)
        # The database's clock decides what is ahead; ours may be wrong by a day.
        now = int(time.time())
        start = now - _DAY if request.after is None else math.ceil(request.after.timestamp())
        end = (now + _DAY if request.after is None else start) + LONGEST_SEARCH_DAYS * _DAY
        occupancy = read_current_occupancy(database, ctx, query, (start, end))
        if occupancy is None:
            return None
        window = (start, min(end, max(start, occupancy.now) + LONGEST_SEARCH_DAYS * _DAY))
        return m.Slots(zone=rules.zone, slots=tuple(_first(query, window, occupancy, request.limit)))

    return with_current_rules(database, cache, ctx, answer)


def get_overview(database: Database, cache: RulesCache, ctx: CallContext, request: m.GetOverview) -> m.Overview:
    def answer(rules: BusinessRules) -> m.Overview | None:
        query = _build_query(rules, ctx, request)
        name = request.viewer_zone or rules.zone
        zone = ZoneInfo(name)
        days = [request.first + timedelta(days=n) for n in range(request.days + 1)]
        midnights = [instant_of(day, 0, zone) for day in days]
        occupancy = read_current_occupancy(database, ctx, query, (midnights[0], midnights[-1]))
        if occupancy is None:
            return None
        room = days_with_availability(query, midnights, occupancy)
        return m.Overview(
            zone=name, days=tuple(m.OverviewDay(date=day, has_room=on) for day, on in zip(days, room, strict=False))
        )

    return with_current_rules(database, cache, ctx, answer)


def with_current_rules(
    database: Database, cache: RulesCache, ctx: CallContext, answer: Callable[[BusinessRules], T | None]
) -> T:
    """`answer` with the cached rules; or, when it answers None since they are old, with those read anew."""
    rules = cache.get(ctx.business_id)
    # What the cached rules do not know may be new; only those read now can say that there is no such thing.
    with suppress(NotFound, InvalidRequest):
        found = None if rules is None else answer(rules)
        if found is not None:
            return found
    for _ in range(_ROUNDS):
        found = answer(_load(database, cache, ctx))
        if found is not None:
            return found
    raise Unavailable("The business's rules keep changing; build_query again.", retry_after=0.2)


def read_current_occupancy(
    database: Database, ctx: CallContext, query: AvailabilityQuery, window: Range
) -> Occupancy | None:
    """One query, whatever the days and providers; None when the rules are no longer those of the question."""
    occupancy = database.read(
        ctx.deadline,
        lambda db: read_occupancy(db, ctx.business_id, query, window, budget_ms=time_left_ms(ctx.deadline)),
    )
    if occupancy is None:
        raise BusinessNotFound("There is no such business.")
    return occupancy if occupancy.rules_version == query.rules.version else None


def _load(database: Database, cache: RulesCache, ctx: CallContext) -> BusinessRules:
    rules = execute_read(database, ctx, lambda db: load_rules(db, ctx.business_id))
    return cache.get_or_load(ctx.business_id, rules.version, lambda: rules)


def _build_query(rules: BusinessRules, ctx: CallContext, request: Asked) -> AvailabilityQuery:
    return build_query(
        rules,
        request.offering_id,
        provider_id=request.provider_id,
        provider_ids=request.provider_ids,
        duration_minutes=request.duration_minutes,
        seats=request.seats,
        customer_id=customer_of_limits(ctx, request.customer_id),
    )


def customer_of_limits(ctx: CallContext, customer_id: UUID | None) -> UUID | None:
    """A customer's own; staff say for whom they look. Raises Forbidden."""
    if ctx.actor.kind == "customer":
        if customer_id not in (None, ctx.actor.id):
            raise Forbidden("A customer looks for themselves only.")
        return ctx.actor.id
    if ctx.actor.kind == "anonymous" and customer_id is not None:
        raise Forbidden("Sign in to look for a customer.")
    return customer_id


def _window(start: datetime, end: datetime) -> Range:
    """Starts are whole seconds, so the first one not before a fraction of a second is at the next."""
    return math.ceil(start.timestamp()), math.ceil(end.timestamp())


def _by_day(slots: tuple[m.Slot, ...], name: str) -> m.Slots:
    zone = ZoneInfo(name)

    def day(slot: m.Slot) -> date:
        return slot.starts_at.astimezone(zone).date()

    return m.Slots(
        zone=name, slots=(), days=tuple(m.SlotDay(date=on, slots=tuple(those)) for on, those in groupby(slots, day))
    )


def _first(query: AvailabilityQuery, window: Range, occupancy: Occupancy, limit: int) -> list[m.Slot]:
    """Looks twice as far each time, until there are enough."""
    found: list[m.Slot] = []
    start, further = max(window[0], occupancy.now), _DAY
    while start < window[1] and len(found) < limit:
        end = min(start + further, window[1])
        found += free_slots(query, (start, end), occupancy)
        start, further = end, further * 2
    return found[:limit]
