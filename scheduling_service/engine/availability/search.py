"""Every start at which something can be booked."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from contracts.scheduling import models as m
from scheduling_service.engine.availability.conditions import Conditions
from scheduling_service.engine.availability.occupancy import Occupancy
from scheduling_service.engine.availability.query import AvailabilityQuery
from scheduling_service.engine.hours import local_date, to_utc
from scheduling_service.engine.rules import ProviderRules, Range
from scheduling_service.engine.working_time import WeekStarts, week_number


def free_slots(query: AvailabilityQuery, window: Range, occupancy: Occupancy) -> list[m.Slot]:
    """By start, then provider."""
    if not query.provider_time_only:
        return [_slot(query, occupancy, index, start) for start, index in free_starts(query, window, occupancy)]
    found: list[m.Slot] = []
    for index, provider in enumerate(query.providers):
        for candidates, first, end in _free_spans(query, index, provider, window, occupancy):
            found += candidates.slots[first:end]
    if len(query.providers) > 1:
        found.sort(key=_by_start)
    return found


def free_starts(query: AvailabilityQuery, window: Range, occupancy: Occupancy) -> list[tuple[int, int]]:
    """[start, provider's place] of all that is free, ascending. A collective's place is the first provider's."""
    conditions = Conditions(query, occupancy)
    each = [
        [start for start in _starts(query, index, provider, window, occupancy) if conditions.are_met(index, start)]
        for index, provider in enumerate(query.providers)
    ]
    if query.collective:
        together = set(each[0]).intersection(*each[1:]) if each else set()
        return sorted((start, 0) for start in together)
    return sorted((start, index) for index, starts in enumerate(each) for start in starts)


def days_with_availability(query: AvailabilityQuery, midnights: Sequence[int], occupancy: Occupancy) -> list[bool]:
    """Whether anything is free between each midnight and the next. Looks at each day until somebody has room."""
    room = [False] * (len(midnights) - 1)
    if not query.provider_time_only:
        for start, _ in free_starts(query, (midnights[0], midnights[-1]), occupancy):
            room[bisect_right(midnights, start) - 1] = True
        return room
    for index, provider in enumerate(query.providers):
        for window in _without_room(room, midnights):
            for candidates, first, end in _free_spans(query, index, provider, window, occupancy):
                starts = candidates.starts
                while first < end:
                    day = bisect_right(midnights, starts[first]) - 1
                    room[day] = True
                    first = bisect_left(starts, midnights[day + 1], first, end)
    return room


def _without_room(room: Sequence[bool], midnights: Sequence[int]) -> list[Range]:
    """The days that are still without, those in a row together."""
    excluding = [False, *(not each for each in room), False]
    edges = [midnights[day] for day, (before, on) in enumerate(pairwise(excluding)) if before != on]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _starts(
    query: AvailabilityQuery, index: int, provider: ProviderRules, window: Range, occupancy: Occupancy
) -> set[int]:
    """Starts at which the provider is free, or has a session with seats left."""
    found = {
        start
        for candidates, first, end in _free_spans(query, index, provider, window, occupancy)
        for start in candidates.starts[first:end]
    }
    joinable_starts = Conditions(query, occupancy).joinable_starts(index)
    if joinable_starts:
        found |= joinable_starts.intersection(
            start
            for candidates, first, end in _free_spans(query, index, provider, window, _unclaimed(occupancy))
            for start in candidates.starts[first:end]
        )
    return found


def _unclaimed(occupancy: Occupancy) -> Occupancy:
    """The same moment, with every provider's time their own."""
    return Occupancy(occupancy.now, occupancy.rules_version, False, [[] for _ in occupancy.providers], [])


def _free_spans(
    query: AvailabilityQuery, index: int, provider: ProviderRules, window: Range, occupancy: Occupancy
) -> Iterator[tuple[WeekStarts, int, int]]:
    """What is free of the window's local weeks, as stretches of their candidates, in order."""
    opens, closes = query.bookable_range(provider, occupancy.now)
    earliest_start, end = max(window[0], query.earliest_start(occupancy.now), opens), min(window[1], closes)
    if earliest_start >= end:
        return
    before, tail = query.before, query.length + query.after
    busy, blocked = occupancy.providers[index], provider.blocked
    ahead = 0
    for candidates in _candidate_starts(query, provider, earliest_start, end):
        starts = candidates.starts
        first, beyond = bisect_left(starts, earliest_start), bisect_left(starts, end)
        if first == beyond:
            continue
        while ahead < len(busy) and busy[ahead][1] + before <= starts[first]:
            ahead += 1
        spans = _between(starts, first, beyond, busy, ahead, before, tail)
        if not blocked:
            for span in spans:
                yield candidates, *span
            continue
        for span in spans:
            for part in _between(starts, *span, blocked, 0, 0, query.length):
                yield candidates, *part


def _between(
    starts: Sequence[int], first: int, beyond: int, busy: Sequence[Range], ahead: int, before: int, tail: int
) -> Iterator[tuple[int, int]]:
    """The stretches of starts[first:beyond] that meet nothing busy: [start - before, start + tail) is clear."""
    while ahead < len(busy) and first < beyond:
        begins, ends = busy[ahead]
        clear = bisect_right(starts, begins - tail, first, beyond)
        if clear > first:
            yield first, clear
        if clear == beyond:
            return
        first = bisect_left(starts, ends + before, clear, beyond)
        ahead += 1
    if first < beyond:
        yield first, beyond


def _candidate_starts(
    query: AvailabilityQuery, provider: ProviderRules, earliest_start: int, end: int
) -> Iterator[WeekStarts]:
    if query.on_grid:
        first, last = local_date(earliest_start, provider.zone), local_date(end - 1, provider.zone)
        for week in range(week_number(first), week_number(last) + 1):
            yield provider.starts_in_week(query.grid, week)
    # Off the grid only one moment is ever asked about.
    elif provider.works_during(earliest_start, earliest_start + query.length):
        yield WeekStarts([earliest_start], [])


def _slot(query: AvailabilityQuery, occupancy: Occupancy, index: int, start: int) -> m.Slot:
    seats_left = None
    if query.offering.capacity > 1:
        session = Conditions(query, occupancy).session_to_join(index, start)
        seats_left = query.offering.capacity if session is None else session.seats_left
    return m.Slot(
        provider_id=query.providers[index].provider_id,
        starts_at=to_utc(start),
        ends_at=to_utc(start + query.length),
        seats_left=seats_left,
    )


def _by_start(slot: m.Slot) -> datetime:
    # Providers come by id, and sorting keeps the order of equals.
    return slot.starts_at
