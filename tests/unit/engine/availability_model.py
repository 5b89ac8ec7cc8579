"""A slow model of availability that examines every minute and the local time.

Shares only `zoneinfo` with the engine. Times are in seconds since 1970, in whole minutes except `now`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = 60
DAY = timedelta(days=1)
Range = tuple[int, int]
Week = Sequence[Sequence[Range]]
"""Monday first; ranges in minutes after midnight, which may close on the next day."""

ORDER = [
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
]


@cache
def reached(day: date, minute: int, zone: ZoneInfo) -> int:
    """Return when a clock in the zone first shows this time of this day, or a later one."""
    wanted = datetime.combine(day, time()) + timedelta(minutes=minute)
    moment = int(wanted.replace(tzinfo=UTC).timestamp()) - 15 * 3600
    while datetime.fromtimestamp(moment, zone).replace(tzinfo=None) < wanted:
        moment += MINUTE
    return moment


def date_of(moment: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(moment, zone).date()


def meet(one: Range, other: Range) -> bool:
    """Return whether the ranges overlap."""
    return not set(range(*one, MINUTE)).isdisjoint(range(*other, MINUTE))


@dataclass(frozen=True)
class Override:
    mode: str
    ranges: Sequence[Range] = ()


@dataclass(frozen=True)
class Dated:
    first: date
    last: date | None
    week: Week


@dataclass(frozen=True)
class Session:
    start: int
    end: int
    seats_left: int


@dataclass(frozen=True)
class Person:
    """A provider: working time, and occupied time including buffers."""

    zone: ZoneInfo
    week: Week
    dated: Sequence[Dated] = ()
    overrides: Mapping[date, Override] = field(default_factory=dict)
    blocked: Sequence[Range] = ()
    busy: Sequence[Range] = ()
    sessions: Sequence[Session] = ()
    counts: Mapping[date, int] = field(default_factory=dict)
    """How many of the offering begin on a date of the business."""


@dataclass(frozen=True)
class Thing:
    """A resource."""

    blocked: Sequence[Range] = ()
    busy: Sequence[Range] = ()


@dataclass(frozen=True)
class Terms:
    """An offering as queried. Lengths are in seconds."""

    step: int
    length: int
    offset: int = 0
    before: int = 0
    after: int = 0
    notice: int = 0
    window: str = "unlimited"
    window_days: int = 0
    first: date = date.min
    last: date = date.max
    provider_day: int | None = None
    provider_week: int | None = None
    customer_day: int | None = None
    customer_week: int | None = None
    capacity: int = 1
    seats: int = 1
    collective: bool = False
    needs: Mapping[str, int] = field(default_factory=dict)
    on_grid: bool = True


@dataclass(frozen=True)
class Model:
    """One business and one offering."""

    zone: ZoneInfo
    terms: Terms
    people: Sequence[Person]
    now: int
    holidays: frozenset[date] = frozenset()
    things: Mapping[str, Sequence[Thing]] = field(default_factory=dict)
    counts: Mapping[date, int] = field(default_factory=dict)
    """Of the customer who asks."""

    def offered(self, start: int) -> list[int]:
        """Return the indexes of the providers that can take the start; for a collective, the first."""
        if self.terms.collective:
            return [0] if self.people and all(self._takes(person, start) for person in self.people) else []
        return [index for index, person in enumerate(self.people) if self._takes(person, start)]

    def why_not(self, start: int) -> list[str]:
        """Return the reasons against a start: those of the closest provider, or of all for a collective."""
        if not self.people:
            return ["not_offered"]
        each = [list(self._against(person, start)) for person in self.people]
        if self.terms.collective:
            return sorted(set().union(*each), key=ORDER.index)
        return min(each, key=lambda reasons: (len(reasons), [ORDER.index(reason) for reason in reasons]))

    def _takes(self, person: Person, start: int) -> bool:
        return next(self._against(person, start), None) is None

    def _against(self, person: Person, start: int) -> Iterator[str]:
        yield from self._against_the_date(person, start)
        yield from self._against_the_hours(person, start)
        yield from self._against_the_time(person, start)
        yield from self._against_limits(person, start)

    # ---- notice and window

    def _against_the_date(self, person: Person, start: int) -> Iterator[str]:
        day, terms = date_of(start, self.zone), self.terms
        if start <= self.now:
            yield "past"
        elif start < self.now + terms.notice or (terms.window == "fixed" and day < terms.first):
            yield "too_soon"
        elif day > self._last_day(person):
            yield "too_late"

    def _last_day(self, person: Person) -> date:
        terms, day = self.terms, date_of(self.now, self.zone)
        if terms.window == "fixed":
            return terms.last
        if terms.window == "rolling_days":
            return day + terms.window_days * DAY
        if terms.window == "rolling_working_days":
            left = terms.window_days
            for _ in range(1500):
                if left == 0:
                    break
                day += DAY
                left -= bool(self._on_the_wall(person, day))
            return day
        return date.max

    # ---- hours

    def _against_the_hours(self, person: Person, start: int) -> Iterator[str]:
        around = self._around(person, start)
        lasts = (start, start + self.terms.length)
        if any(meet(lasts, blocked) for blocked in person.blocked):
            yield "closed"
        elif not around:
            day = date_of(start, person.zone)
            yield "closed" if self._regular(person, day) and not self._on_the_wall(person, day) else "outside_hours"
        firsts = [opens + self.terms.offset for opens, _ in around]
        on_grid = any(start >= first and (start - first) % self.terms.step == 0 for first in firsts)
        if around and self.terms.on_grid and not on_grid:
            yield "off_grid"

    def _around(self, person: Person, start: int) -> list[Range]:
        """Return the working ranges, of that date or an adjacent one, that contain the whole appointment."""
        today, end = date_of(start, person.zone), start + self.terms.length
        ranges = [
            (reached(day, opens, person.zone), reached(day, closes, person.zone))
            for day in (today - DAY, today, today + DAY)
            for opens, closes in self._on_the_wall(person, day)
        ]
        return [(opens, closes) for opens, closes in ranges if opens <= start and end <= closes]

    def _on_the_wall(self, person: Person, day: date) -> list[Range]:
        override = person.overrides.get(day)
        if override is not None and override.mode in ("replace", "close"):
            return list(override.ranges)
        regular = [] if day in self.holidays else list(self._regular(person, day))
        return regular if override is None else _together(regular, override.ranges)

    def _regular(self, person: Person, day: date) -> Sequence[Range]:
        holding = [each for each in person.dated if each.first <= day and (each.last is None or day <= each.last)]
        week = max(holding, key=lambda each: each.first).week if holding else person.week
        return week[day.weekday()]

    # ---- occupied time

    def _against_the_time(self, person: Person, start: int) -> Iterator[str]:
        session = self._session(person, start)
        if session is not None:
            if session.seats_left < self.terms.seats:
                yield "full"
            return
        if any(meet(self._claim(start), busy) for busy in person.busy):
            yield "taken"
        if self.things_at(start) is None:
            yield "no_resource"

    def _session(self, person: Person, start: int) -> Session | None:
        return next((s for s in person.sessions if (s.start, s.end) == (start, start + self.terms.length)), None)

    def things_at(self, start: int) -> list[tuple[str, int]] | None:
        """Return the first free resources of every needed kind, as kind and index."""
        chosen = []
        lasts = (start, start + self.terms.length)
        for kind, quantity in self.terms.needs.items():
            free = [
                (kind, index)
                for index, thing in enumerate(self.things.get(kind, ()))
                if not any(meet(self._claim(start), busy) for busy in thing.busy)
                and not any(meet(lasts, blocked) for blocked in thing.blocked)
            ]
            if len(free) < quantity:
                return None
            chosen += free[:quantity]
        return chosen

    def _claim(self, start: int) -> Range:
        return start - self.terms.before, start + self.terms.length + self.terms.after

    # ---- limits

    def _against_limits(self, person: Person, start: int) -> Iterator[str]:
        terms, day = self.terms, date_of(start, self.zone)
        session = self._session(person, start)
        joins = session is not None and session.seats_left >= terms.seats
        if not joins and _reached_limit(person.counts, day, terms.provider_day, terms.provider_week):
            yield "provider_limit"
        elif _reached_limit(self.counts, day, terms.customer_day, terms.customer_week):
            yield "customer_limit"


def _reached_limit(counts: Mapping[date, int], day: date, daily: int | None, weekly: int | None) -> bool:
    in_week = sum(number for on, number in counts.items() if on.isocalendar()[:2] == day.isocalendar()[:2])
    return (daily is not None and counts.get(day, 0) >= daily) or (weekly is not None and in_week >= weekly)


def _together(regular: Sequence[Range], extra: Sequence[Range]) -> list[Range]:
    """Merge ranges minute by minute. Adjacent regular ranges stay separate unless an extra one meets the boundary."""
    minutes = {minute for opens, closes in (*regular, *extra) for minute in range(opens, closes)}
    seams = {opens for opens, _ in regular if any(closes == opens for _, closes in regular)}
    seams = {seam for seam in seams if not any(opens <= seam <= closes for opens, closes in extra)}
    opening = sorted(minute for minute in minutes if minute - 1 not in minutes or minute in seams)
    closing = sorted(minute + 1 for minute in minutes if minute + 1 not in minutes or minute + 1 in seams)
    return list(zip(opening, closing, strict=True))
