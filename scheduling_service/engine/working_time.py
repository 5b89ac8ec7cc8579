"""A provider's working time as instants, and the starts it allows before any claims are considered."""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from threading import Lock
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.scheduling import models as m
from scheduling_service.engine.hours import instant_of, local_date, to_utc

Range = tuple[int, int]
"""Half-open, in seconds since 1970."""

DayMinutes = tuple[int, int]
"""Opening and closing in minutes after local midnight; the closing may be on the next day."""

_MAX_CACHED_STARTS = 200_000
"""Over all providers: about 40 MB."""


class Week(NamedTuple):
    """A week's working time, Monday first. `first` is None for the regular week; `last` is None if it has no end."""

    first: date | None
    last: date | None
    days: tuple[tuple[DayMinutes, ...], ...]

    def applies_on(self, day: date) -> bool:
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class Grid(NamedTuple):
    """The grid of an offering's starts, in seconds: `offset` after a range's opening, and every `step` from there."""

    step: int
    offset: int
    length: int


class WeekStarts(NamedTuple):
    """The starts of one local week, sorted, and the slot of each."""

    starts: list[int]
    slots: list[m.Slot]


def week_number(day: date) -> int:
    """Return the number of the day's week, Monday to Sunday."""
    return (day.toordinal() - 1) // 7


@dataclass(eq=False)
class ProviderRules:
    """One provider's rules. Of several weeks that apply, the last prevails; `blocked` is sorted and disjoint."""

    provider_id: UUID
    name: str
    zone: ZoneInfo
    active: bool
    offering_ids: frozenset[UUID]
    weeks: tuple[Week, ...]
    weight: int = 1
    overrides: Mapping[date, m.DateOverride] = field(default_factory=dict)
    holidays: frozenset[date] = frozenset()
    blocked: tuple[Range, ...] = ()

    def working_ranges(self, day: date) -> tuple[Range, ...]:
        """Return the ranges that begin on a local date, as instants, without those that a clock change empties."""
        return _instants(self, day)

    def works_during(self, start: int, end: int) -> bool:
        """Return whether one working range contains all of [start, end)."""
        today = local_date(start, self.zone)
        # A range that began the day before may extend past midnight.
        days = (today - timedelta(days=1), today)
        return any(opens <= start and end <= closes for day in days for opens, closes in self.working_ranges(day))

    def working_minutes(self, day: date) -> tuple[DayMinutes, ...]:
        override = self.overrides.get(day)
        own = () if override is None else tuple(sorted(each.minutes() for each in override.ranges))
        if override is not None and override.mode in ("replace", "close"):
            return own
        regular = () if day in self.holidays else self._regular(day)
        return regular if override is None else _with_extra(regular, own)

    def is_closed_on(self, day: date) -> bool:
        """Return whether a holiday or a date override closes a day that the week has open."""
        return bool(self._regular(day)) and not self.working_minutes(day)

    def nth_working_day(self, today: date, number: int, at_most: timedelta) -> date:
        """Return the `number`th working date after `today`, or `today` for 0; at most `at_most` later."""
        return _nth_working_day(self, today, number, at_most)

    def starts_in_week(self, grid: Grid, week: int) -> WeekStarts:
        """Return the grid's starts in one local week at which the length fits into the working range."""
        key = (self, grid, week)
        return _STARTS_CACHE.get(key) or _STARTS_CACHE.put(key, self._fitting(grid, week))

    def is_on_grid(self, grid: Grid, start: int) -> bool:
        starts = self.starts_in_week(grid, week_number(local_date(start, self.zone))).starts
        index = bisect_left(starts, start)
        return index < len(starts) and starts[index] == start

    def _regular(self, day: date) -> tuple[DayMinutes, ...]:
        week = next(week for week in reversed(self.weeks) if week.applies_on(day))
        return week.days[day.weekday()]

    def _fitting(self, grid: Grid, week: int) -> WeekStarts:
        monday = date.fromordinal(week * 7 + 1)
        begins, ends = instant_of(monday, 0, self.zone), instant_of(monday + timedelta(days=7), 0, self.zone)
        # A range that began the day before may extend past midnight and share starts with the next date's.
        starts = sorted(
            {
                start
                for day in range(-1, 7)
                for opens, closes in self.working_ranges(monday + timedelta(days=day))
                for start in range(opens + grid.offset, closes - grid.length + 1, grid.step)
                if begins <= start < ends
            }
        )
        return WeekStarts(starts, [self._slot(start, grid) for start in starts])

    def _slot(self, start: int, grid: Grid) -> m.Slot:
        return m.Slot(provider_id=self.provider_id, starts_at=to_utc(start), ends_at=to_utc(start + grid.length))


@lru_cache(maxsize=10_000)
def _instants(provider: ProviderRules, day: date) -> tuple[Range, ...]:
    ranges = (
        (instant_of(day, opens, provider.zone), instant_of(day, closes, provider.zone))
        for opens, closes in provider.working_minutes(day)
    )
    return tuple((opens, closes) for opens, closes in ranges if opens < closes)


@lru_cache(maxsize=2_000)
def _nth_working_day(provider: ProviderRules, today: date, number: int, at_most: timedelta) -> date:
    day, left = today, number
    while left and day - today < at_most:
        day += timedelta(days=1)
        left -= bool(provider.working_minutes(day))
    return day


class _StartsCache:
    """A cache of computed starts, bounded by their number; the oldest go first. Thread-safe."""

    def __init__(self, max_starts: int) -> None:
        self._max, self._starts = max_starts, 0
        self._cached: dict[tuple[ProviderRules, Grid, int], WeekStarts] = {}
        self._lock = Lock()
        self.get = self._cached.get

    def put(self, key: tuple[ProviderRules, Grid, int], candidates: WeekStarts) -> WeekStarts:
        with self._lock:
            self._starts += _cost(candidates) - _cost(self._cached.pop(key, None))
            self._cached[key] = candidates
            while self._starts > self._max:
                self._starts -= _cost(self._cached.pop(next(iter(self._cached))))
        return candidates


def _cost(candidates: WeekStarts | None) -> int:
    return 0 if candidates is None else len(candidates.starts) + 10


_STARTS_CACHE = _StartsCache(_MAX_CACHED_STARTS)


def _with_extra(regular: tuple[DayMinutes, ...], extra: tuple[DayMinutes, ...]) -> tuple[DayMinutes, ...]:
    """Merge extra ranges with the ranges they meet; adjacent ranges of the week itself stay separate."""
    found = list(regular)
    for opens, closes in extra:
        met = [each for each in found if each[0] <= closes and opens <= each[1]]
        found = [each for each in found if each not in met]
        found.append((min([opens, *(each[0] for each in met)]), max([closes, *(each[1] for each in met)])))
    return tuple(sorted(found))
