"""Every start at which something can be booked."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from contracts.scheduling import models as m
from scheduling_service.engine.availability.conditions import Conditions
from scheduling_service.engine.availability.question import Question
from scheduling_service.engine.availability.taken import Taken
from scheduling_service.engine.hours import as_utc, local_date
from scheduling_service.engine.rules import ProviderRules, Range
from scheduling_service.engine.working_time import Candidates, week_of


def free_slots(question: Question, window: Range, taken: Taken) -> list[m.Slot]:
    """By start, then provider."""
    if not question.plain:
        return [_slot(question, taken, place, start) for start, place in free_starts(question, window, taken)]
    found: list[m.Slot] = []
    for place, provider in enumerate(question.providers):
        for candidates, first, end in _free_spans(question, place, provider, window, taken):
            found += candidates.slots[first:end]
    if len(question.providers) > 1:
        found.sort(key=_by_start)
    return found


def free_starts(question: Question, window: Range, taken: Taken) -> list[tuple[int, int]]:
    """[start, provider's place] of all that is free, ascending. A collective's place is the first provider's."""
    conditions = Conditions(question, taken)
    each = [
        [start for start in _starts(question, place, provider, window, taken) if conditions.allow(place, start)]
        for place, provider in enumerate(question.providers)
    ]
    if question.collective:
        together = set(each[0]).intersection(*each[1:]) if each else set()
        return sorted((start, 0) for start in together)
    return sorted((start, place) for place, starts in enumerate(each) for start in starts)


def days_with_room(question: Question, midnights: Sequence[int], taken: Taken) -> list[bool]:
    """Whether anything is free between each midnight and the next. Looks at each day until somebody has room."""
    room = [False] * (len(midnights) - 1)
    if not question.plain:
        for start, _ in free_starts(question, (midnights[0], midnights[-1]), taken):
            room[bisect_right(midnights, start) - 1] = True
        return room
    for place, provider in enumerate(question.providers):
        for window in _without_room(room, midnights):
            for candidates, first, end in _free_spans(question, place, provider, window, taken):
                starts = candidates.starts
                while first < end:
                    day = bisect_right(midnights, starts[first]) - 1
                    room[day] = True
                    first = bisect_left(starts, midnights[day + 1], first, end)
    return room


def _without_room(room: Sequence[bool], midnights: Sequence[int]) -> list[Range]:
    """The days that are still without, those in a row together."""
    without = [False, *(not each for each in room), False]
    edges = [midnights[day] for day, (before, on) in enumerate(pairwise(without)) if before != on]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _starts(question: Question, place: int, provider: ProviderRules, window: Range, taken: Taken) -> set[int]:
    """Starts at which the provider is free, or has a session with seats left."""
    found = {
        start
        for candidates, first, end in _free_spans(question, place, provider, window, taken)
        for start in candidates.starts[first:end]
    }
    joinable = Conditions(question, taken).joinable(place)
    if joinable:
        found |= joinable.intersection(
            start
            for candidates, first, end in _free_spans(question, place, provider, window, _unclaimed(taken))
            for start in candidates.starts[first:end]
        )
    return found


def _unclaimed(taken: Taken) -> Taken:
    """The same moment, with every provider's time their own."""
    return Taken(taken.now, taken.rules_version, False, [[] for _ in taken.providers], [])


def _free_spans(
    question: Question, place: int, provider: ProviderRules, window: Range, taken: Taken
) -> Iterator[tuple[Candidates, int, int]]:
    """What is free of the window's local weeks, as stretches of their candidates, in order."""
    opens, closes = question.bookable(provider, taken.now)
    earliest, end = max(window[0], question.earliest(taken.now), opens), min(window[1], closes)
    if earliest >= end:
        return
    before, tail = question.before, question.length + question.after
    busy, blocked = taken.providers[place], provider.blocked
    ahead = 0
    for candidates in _candidates(question, provider, earliest, end):
        starts = candidates.starts
        first, beyond = bisect_left(starts, earliest), bisect_left(starts, end)
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
            for part in _between(starts, *span, blocked, 0, 0, question.length):
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


def _candidates(question: Question, provider: ProviderRules, earliest: int, end: int) -> Iterator[Candidates]:
    if question.on_grid:
        first, last = local_date(earliest, provider.zone), local_date(end - 1, provider.zone)
        for week in range(week_of(first), week_of(last) + 1):
            yield provider.candidates(question.grid, week)
    # Off the grid only one moment is ever asked about.
    elif provider.works_during(earliest, earliest + question.length):
        yield Candidates([earliest], [])


def _slot(question: Question, taken: Taken, place: int, start: int) -> m.Slot:
    seats_left = None
    if question.offering.capacity > 1:
        session = Conditions(question, taken).session_to_join(place, start)
        seats_left = question.offering.capacity if session is None else session.seats_left
    return m.Slot(
        provider_id=question.providers[place].provider_id,
        starts_at=as_utc(start),
        ends_at=as_utc(start + question.length),
        seats_left=seats_left,
    )


def _by_start(slot: m.Slot) -> datetime:
    # Providers come by id, and sorting keeps the order of equals.
    return slot.starts_at
