"""Search for free slots: in a window, the next ones, and which days of a month have any."""

import math
import time
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
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
    bounded_end,
    build_query,
    days_with_availability,
    free_slots,
    read_occupancy,
)
from scheduling_service.engine.catalog import load_rules
from scheduling_service.engine.database import EngineDatabase, time_left_ms
from scheduling_service.engine.hours import instant_of
from scheduling_service.engine.read_transaction import execute_read
from scheduling_service.engine.rules import BusinessRules, Range, RulesCache

_MAX_RELOADS = 3
_DAY = 86_400

T = TypeVar("T")
SearchRequest = m.SearchSlots | m.NextAvailable | m.GetOverview


def search_slots(database: EngineDatabase, cache: RulesCache, ctx: CallContext, request: m.SearchSlots) -> m.Slots:
    """Return the free slots in a window, sorted by start, then provider; grouped by local day if requested."""

    def answer(rules: BusinessRules) -> m.Slots | None:
        query, (start, end) = _build_query(rules, ctx, request), _window(request.start, request.end)
        window = (start, bounded_end(query, (start, end)))
        occupancy = read_current_occupancy(database, ctx, query, window)
        if occupancy is None:
            return None
        zone, capped = request.viewer_zone or rules.zone, next_start(window, end)
        slots = tuple(free_slots(query, window, occupancy))
        if request.by_day:
            return m.Slots(zone=zone, slots=(), days=_group_by_day(slots, zone), next_start=capped)
        return m.Slots(zone=zone, slots=slots, next_start=capped)

    return with_current_rules(database, cache, ctx, answer)


def next_available(database: EngineDatabase, cache: RulesCache, ctx: CallContext, request: m.NextAvailable) -> m.Slots:
    """Return the first free slots after a moment, or after now by the database's clock."""

    def answer(rules: BusinessRules) -> m.Slots | None:
        query = _build_query(rules, ctx, request)
        # The window is a day wider on both sides: the database's clock decides, and this host's may be wrong.
        now = int(time.time())
        start = now - _DAY if request.after is None else math.ceil(request.after.timestamp())
        end = (now + _DAY if request.after is None else start) + LONGEST_SEARCH_DAYS * _DAY
        bounded = bounded_end(query, (start, end))
        occupancy = read_current_occupancy(database, ctx, query, (start, bounded))
        if occupancy is None:
            return None
        end = min(end, max(start, occupancy.now) + LONGEST_SEARCH_DAYS * _DAY)
        window = (start, min(end, bounded))
        slots = tuple(_first_slots(query, window, occupancy, request.limit))
        capped = next_start(window, end) if len(slots) < request.limit else None
        return m.Slots(zone=rules.zone, slots=slots, next_start=capped)

    return with_current_rules(database, cache, ctx, answer)


def get_overview(database: EngineDatabase, cache: RulesCache, ctx: CallContext, request: m.GetOverview) -> m.Overview:
    """Return for each of a number of local days whether it has a free slot."""

    def answer(rules: BusinessRules) -> m.Overview | None:
        query = _build_query(rules, ctx, request)
        name = request.viewer_zone or rules.zone
        zone = ZoneInfo(name)
        days = [request.first + timedelta(days=n) for n in range(request.days + 1)]
        midnights = [instant_of(day, 0, zone) for day in days]
        within = bisect_right(midnights, bounded_end(query, (midnights[0], midnights[-1])))
        # At least one day, so that continuing a capped overview makes progress.
        midnights = midnights[: max(within, 2)]
        occupancy = read_current_occupancy(database, ctx, query, (midnights[0], midnights[-1]))
        if occupancy is None:
            return None
        available = days_with_availability(query, midnights, occupancy)
        overview = (m.OverviewDay(date=day, has_room=each) for day, each in zip(days, available, strict=False))
        next_first = days[len(available)] if len(available) < request.days else None
        return m.Overview(zone=name, days=tuple(overview), next_first=next_first)

    return with_current_rules(database, cache, ctx, answer)


def with_current_rules(
    database: EngineDatabase, cache: RulesCache, ctx: CallContext, answer: Callable[[BusinessRules], T | None]
) -> T:
    """Call `answer` with the cached rules, and with reloaded ones while it returns None because they are outdated."""
    rules = cache.get(ctx.business_id)
    # An offering that the cached rules lack may be new; only reloaded rules can tell that it does not exist.
    with suppress(NotFound, InvalidRequest):
        found = None if rules is None else answer(rules)
        if found is not None:
            return found
    for _ in range(_MAX_RELOADS):
        found = answer(_load_rules(database, cache, ctx))
        if found is not None:
            return found
    raise Unavailable("The business's rules are changing; try again.", retry_after=0.2)


def read_current_occupancy(
    database: EngineDatabase, ctx: CallContext, query: AvailabilityQuery, window: Range
) -> Occupancy | None:
    """Read the occupancy in one statement; None when the query's rules are outdated. Raises BusinessNotFound."""
    occupancy = database.read(
        ctx.deadline,
        lambda db: read_occupancy(db, ctx.business_id, query, window, budget_ms=time_left_ms(ctx.deadline)),
    )
    if occupancy is None:
        raise BusinessNotFound("There is no such business.")
    return occupancy if occupancy.rules_version == query.rules.version else None


def next_start(examined: Range, end: int) -> datetime | None:
    """Return the instant from which a capped search continues; None if all of the window was examined."""
    return datetime.fromtimestamp(examined[1], UTC) if examined[1] < end else None


def limits_customer(ctx: CallContext, customer_id: UUID | None) -> UUID | None:
    """Return the customer whose limits apply: the caller, or the one that staff name. Raises Forbidden."""
    if ctx.actor.kind == "customer":
        if customer_id not in (None, ctx.actor.id):
            raise Forbidden("Customers can only search for themselves.")
        return ctx.actor.id
    if ctx.actor.kind == "anonymous" and customer_id is not None:
        raise Forbidden("Sign in to search for a customer.")
    return customer_id


def _load_rules(database: EngineDatabase, cache: RulesCache, ctx: CallContext) -> BusinessRules:
    rules = execute_read(database, ctx, lambda read: load_rules(read.db, ctx.business_id))
    return cache.get_or_load(ctx.business_id, rules.version, lambda: rules)


def _build_query(rules: BusinessRules, ctx: CallContext, request: SearchRequest) -> AvailabilityQuery:
    return build_query(
        rules,
        request.offering_id,
        provider_id=request.provider_id,
        provider_ids=request.provider_ids,
        duration_minutes=request.duration_minutes,
        seats=request.seats,
        customer_id=limits_customer(ctx, request.customer_id),
        deadline=ctx.deadline,
    )


def _window(start: datetime, end: datetime) -> Range:
    """Round both ends up to whole seconds, which all starts are on."""
    return math.ceil(start.timestamp()), math.ceil(end.timestamp())


def _group_by_day(slots: tuple[m.Slot, ...], name: str) -> tuple[m.SlotDay, ...]:
    zone = ZoneInfo(name)

    def day(slot: m.Slot) -> date:
        return slot.starts_at.astimezone(zone).date()

    return tuple(m.SlotDay(date=on, slots=tuple(those)) for on, those in groupby(slots, day))


def _first_slots(query: AvailabilityQuery, window: Range, occupancy: Occupancy, limit: int) -> list[m.Slot]:
    """Return the first slots; the interval examined doubles until enough are found."""
    found: list[m.Slot] = []
    start, step = max(window[0], occupancy.now), _DAY
    while start < window[1] and len(found) < limit:
        end = min(start + step, window[1])
        found += free_slots(query, (start, end), occupancy)
        start, step = end, step * 2
    return found[:limit]
