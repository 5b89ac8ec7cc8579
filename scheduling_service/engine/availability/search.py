"""Every free start in a window, found by bisection in each provider's compiled starts."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from contracts.scheduling import models as m
from scheduling_service.engine.availability.conditions import StartConditions
from scheduling_service.engine.availability.occupancy import Occupancy
from scheduling_service.engine.availability.query import AvailabilityQuery
from scheduling_service.engine.availability.shortages import resource_shortages
from scheduling_service.engine.hours import local_date, to_utc
from scheduling_service.engine.rules import ProviderRules, Range
from scheduling_service.engine.working_time import WeekStarts, week_number


def free_slots(query: AvailabilityQuery, window: Range, occupancy: Occupancy) -> list[m.Slot]:
    """Return the free slots, sorted by start, then provider."""
    if not query.decided_by_ranges:
        return [_slot(query, occupancy, index, start) for start, index in free_starts(query, window, occupancy)]
    found: list[m.Slot] = []
    shortages = resource_shortages(query, occupancy)
    for index, provider in enumerate(query.providers):
        for week, first, end in _free_spans(query, index, provider, window, occupancy, shortages):
            found += week.slots[first:end]
    if len(query.providers) > 1:
        found.sort(key=_start_of)  # stable: slots with the same start stay sorted by provider
    return found


def free_starts(
    query: AvailabilityQuery, window: Range, occupancy: Occupancy, shortages: Sequence[Range] | None = None
) -> list[tuple[int, int]]:
    """Return (start, provider index) of everything free, sorted. A collective has the first provider's index.

    Resources are excluded by `shortages`, which are computed if they are not given.
    """
    conditions = StartConditions(query, occupancy)
    if shortages is None:
        shortages = resource_shortages(query, occupancy)
    each = [
        [
            start
            for start in _starts(query, index, window, occupancy, shortages)
            if conditions.within_limits(index, start)
        ]
        for index in range(len(query.providers))
    ]
    if query.collective:
        common = set(each[0]).intersection(*each[1:]) if each else set()
        return sorted((start, 0) for start in common)
    return sorted((start, index) for index, starts in enumerate(each) for start in starts)


def days_with_availability(query: AvailabilityQuery, midnights: Sequence[int], occupancy: Occupancy) -> list[bool]:
    """Return whether anything is free between each midnight and the next.

    A day is not examined again once one provider is known to be free on it.
    """
    available = [False] * (len(midnights) - 1)
    if not query.decided_by_ranges:
        for start, _ in free_starts(query, (midnights[0], midnights[-1]), occupancy):
            available[bisect_right(midnights, start) - 1] = True
        return available
    shortages = resource_shortages(query, occupancy)
    for index, provider in enumerate(query.providers):
        if all(available):
            break
        for window in _unavailable_days(available, midnights):
            for week, first, end in _free_spans(query, index, provider, window, occupancy, shortages):
                starts = week.starts
                while first < end:
                    day = bisect_right(midnights, starts[first]) - 1
                    available[day] = True
                    first = bisect_left(starts, midnights[day + 1], first, end)
    return available


def _unavailable_days(available: Sequence[bool], midnights: Sequence[int]) -> list[Range]:
    """Return the days not known to be available; consecutive days form one range."""
    missing = [False, *(not each for each in available), False]
    edges = [midnights[day] for day, (before, on) in enumerate(pairwise(missing)) if before != on]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _starts(
    query: AvailabilityQuery, index: int, window: Range, occupancy: Occupancy, shortages: Sequence[Range]
) -> set[int]:
    """Return the starts at which the provider and the resources are free, or a session has seats left."""
    provider = query.providers[index]
    found = {
        start
        for week, first, end in _free_spans(query, index, provider, window, occupancy, shortages)
        for start in week.starts[first:end]
    }
    joinable = StartConditions(query, occupancy).joinable_starts(index)
    if joinable:
        found |= joinable.intersection(
            start
            for week, first, end in _free_spans(query, index, provider, window, _without_claims(occupancy), ())
            for start in week.starts[first:end]
        )
    return found


def _without_claims(occupancy: Occupancy) -> Occupancy:
    """Return the same snapshot with every provider free."""
    return Occupancy(occupancy.now, occupancy.rules_version, False, [[] for _ in occupancy.providers], [])


def _free_spans(
    query: AvailabilityQuery,
    index: int,
    provider: ProviderRules,
    window: Range,
    occupancy: Occupancy,
    shortages: Sequence[Range],
) -> Iterator[tuple[WeekStarts, int, int]]:
    """Yield the free starts in order, as spans [first, end) of each local week's starts."""
    opens, closes = query.bookable_range(provider, occupancy.now)
    earliest, end = max(window[0], query.earliest_start(occupancy.now), opens), min(window[1], closes)
    if earliest >= end:
        return
    before, tail = query.buffer_before, query.length + query.buffer_after
    busy = occupancy.providers[index]
    next_busy = 0
    for week in _weeks(query, provider, earliest, end):
        query.check_deadline()
        starts = week.starts
        first, beyond = bisect_left(starts, earliest), bisect_left(starts, end)
        if first == beyond:
            continue
        while next_busy < len(busy) and busy[next_busy][1] + before <= starts[first]:
            next_busy += 1
        spans = _between(starts, first, beyond, busy, next_busy, before, tail)
        if provider.blocked:
            spans = _without(spans, starts, provider.blocked, query.length)
        if shortages:
            spans = _without(spans, starts, shortages, 1)
        for first, beyond in spans:
            yield week, first, beyond


def _without(
    spans: Iterator[tuple[int, int]], starts: Sequence[int], ranges: Sequence[Range], length: int
) -> Iterator[tuple[int, int]]:
    """Yield the parts of the spans for which [start, start + length) meets none of the ranges."""
    for first, end in spans:
        next_range = bisect_right(ranges, starts[first], key=_end_of)
        yield from _between(starts, first, end, ranges, next_range, 0, length)


def _between(
    starts: Sequence[int], first: int, beyond: int, busy: Sequence[Range], next_busy: int, before: int, tail: int
) -> Iterator[tuple[int, int]]:
    """Yield the spans of starts[first:beyond] for which [start - before, start + tail) meets no busy range."""
    while next_busy < len(busy) and first < beyond:
        begins, ends = busy[next_busy]
        clear = bisect_right(starts, begins - tail, first, beyond)
        if clear > first:
            yield first, clear
        if clear == beyond:
            return
        first = bisect_left(starts, ends + before, clear, beyond)
        next_busy += 1
    if first < beyond:
        yield first, beyond


def _weeks(query: AvailabilityQuery, provider: ProviderRules, earliest: int, end: int) -> Iterator[WeekStarts]:
    """Yield the provider's starts by local week. Off the grid, only the moment `earliest` is examined."""
    if query.on_grid:
        for week in _week_numbers(earliest, end, provider.zone):
            yield provider.starts_in_week(query.grid, week)
    elif provider.works_during(earliest, earliest + query.length):
        yield WeekStarts([earliest], [])


@lru_cache(maxsize=1000)
def _week_numbers(earliest: int, end: int, zone: ZoneInfo) -> range:
    """Return the local weeks of [earliest, end). Cached, since the providers of a search share window and zone."""
    return range(week_number(local_date(earliest, zone)), week_number(local_date(end - 1, zone)) + 1)


def _slot(query: AvailabilityQuery, occupancy: Occupancy, index: int, start: int) -> m.Slot:
    seats_left = None
    if query.offering.capacity > 1:
        session = StartConditions(query, occupancy).session_to_join(index, start)
        seats_left = query.offering.capacity if session is None else session.seats_left
    return m.Slot(
        provider_id=query.providers[index].provider_id,
        starts_at=to_utc(start),
        ends_at=to_utc(start + query.length),
        seats_left=seats_left,
    )


def _end_of(given: Range) -> int:
    return given[1]


def _start_of(slot: m.Slot) -> datetime:
    return slot.starts_at
