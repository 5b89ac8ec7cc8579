"""The calendar as columns of a grid: booked, blocked and free time of each provider, or of each day of one.

A position is a number of rows of five minutes. Positions become classes, because pages have no inline styles.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.scheduling import models as m
from monolith.web.regular_hours import weekly_hours_on

ROW_MINUTES = 5
_DAY = 24 * 60
_MOST_LANES = 6
Range = tuple[int, int]
"""Minutes after local midnight."""


@dataclass
class Entry:
    """One box of a column. `row` and `rows` are its position and height."""

    kind: Literal["appointment", "blocked", "free", "working"]
    start: int
    end: int
    at: datetime
    appointment: m.Appointment | None = None
    customer: str = ""
    reason: str = ""
    lane: int | None = None
    """None: the entry has the whole width, because no other one overlaps it."""
    row: int = 0
    rows: int = 1


@dataclass
class Column:
    """A provider's day."""

    provider: m.Provider
    day: date
    working: list[Range] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    lanes: int = 1
    now_row: int | None = None
    """The row of the present time; None on another day, and outside the hours that the board spans."""

    @property
    def appointments(self) -> list[Entry]:
        return [each for each in self.entries if each.kind == "appointment"]


@dataclass
class Board:
    """The columns, and the hours that they span."""

    columns: list[Column]
    first: int
    last: int

    @property
    def hours(self) -> list[tuple[str, int]]:
        """The labels of the full hours, with their rows."""
        return [(f"{at // 60:02d}:00", (at - self.first) // ROW_MINUTES) for at in range(self.first, self.last, 60)]

    @property
    def rows(self) -> int:
        return (self.last - self.first) // ROW_MINUTES


@dataclass(frozen=True)
class Known:
    """The data that the calendar shows, as read from scheduling."""

    zone: ZoneInfo
    appointments: Sequence[m.Appointment]
    blocks: Sequence[m.Block]
    holidays: Mapping[date, str]
    overrides: Mapping[tuple[UUID, date], m.DateOverride]
    names: Mapping[UUID, str]
    step: int


def build_board(known: Known, days: Iterable[tuple[m.Provider, date]], now: datetime) -> Board:
    """Return the board with a column for each provider and day."""
    columns = [_column(known, provider, day, now) for provider, day in days]
    bounds = [each for column in columns for each in column.working]
    bounds += [(entry.start, entry.end) for column in columns for entry in column.appointments]
    first = min((start for start, _ in bounds), default=9 * 60) // 60 * 60
    last = -(-max((end for _, end in bounds), default=17 * 60) // 60) * 60
    local = now.astimezone(known.zone)
    present = local.hour * 60 + local.minute
    for column in columns:
        if column.day == local.date() and first <= present < last:
            column.now_row = (present - first) // ROW_MINUTES
        column.entries = [each for each in column.entries if each.end > first and each.start < last]
        for entry in column.entries:
            entry.row = (max(entry.start, first) - first) // ROW_MINUTES
            entry.rows = max(1, -(-(min(entry.end, last) - max(entry.start, first)) // ROW_MINUTES))
    return Board(columns, first, last)


def working_ranges(provider: m.Provider, day: date, override: m.DateOverride | None, holiday: bool) -> list[Range]:
    """Return when a provider works on a date, without blocked time. Scheduling decides; this is for display."""
    weekly = [
        m.DayRange(opens=each.opens, closes=each.closes).minutes()
        for each in weekly_hours_on(provider, day)
        if each.weekday == day.isoweekday()
    ]
    own = [each.minutes() for each in override.ranges] if override else []
    mode = override.mode if override else "regular"
    regular = [] if holiday else weekly
    ranges = {"close": [], "replace": own, "extra": regular + own}.get(mode, regular)
    return [(start, min(end, _DAY)) for start, end in sorted(ranges)]


def _column(known: Known, provider: m.Provider, day: date, now: datetime) -> Column:
    override = known.overrides.get((provider.provider_id, day))
    column = Column(provider, day, working_ranges(provider, day, override, day in known.holidays))
    blocked = [
        Entry("blocked", *span, at=each.start, reason=each.reason)
        for each in known.blocks
        if each.resource_id is None and each.provider_id in (None, provider.provider_id)
        if (span := _span(each.start, each.end, day, known.zone))
    ]
    booked = [
        Entry("appointment", *span, at=each.starts_at, appointment=each, customer=known.names.get(each.customer_id, ""))
        for each in known.appointments
        if provider.provider_id == each.provider_id or provider.provider_id in each.provider_ids
        if (span := _span(each.starts_at, each.ends_at, day, known.zone))
    ]
    column.lanes = _assign_lanes(booked)
    taken = [(each.start, each.end) for each in [*blocked, *booked]]
    free = _free_entries(column.working, taken, day, known, now)
    column.entries = sorted([*blocked, *booked, *free], key=lambda each: (each.start, each.kind != "appointment"))
    return column


def _span(start: datetime, end: datetime, day: date, zone: ZoneInfo) -> Range | None:
    """Return the part of an interval that is on a local day; None if no part is."""
    first, last = start.astimezone(zone), end.astimezone(zone)
    if last.date() < day or first.date() > day:
        return None
    from_minute = first.hour * 60 + first.minute if first.date() == day else 0
    to_minute = last.hour * 60 + last.minute if last.date() == day else _DAY
    if to_minute <= from_minute:
        # An hour that a clock change repeats, or the midnight before the day.
        return None if last.date() == day and to_minute == 0 else (from_minute, min(_DAY, from_minute + ROW_MINUTES))
    return from_minute, to_minute


def _assign_lanes(entries: list[Entry]) -> int:
    """Place overlapping entries side by side; return the number of lanes."""
    ends: list[int] = []
    for entry in sorted(entries, key=lambda each: (each.start, each.end)):
        if not any(other is not entry and other.start < entry.end and entry.start < other.end for other in entries):
            continue
        lane = next((index for index, end in enumerate(ends) if end <= entry.start), len(ends))
        if lane == len(ends):
            ends.append(0)
        ends[lane] = entry.end
        entry.lane = min(lane + 1, _MOST_LANES)
    return min(max(1, len(ends)), _MOST_LANES)


def _free_entries(working: list[Range], taken: list[Range], day: date, known: Known, now: datetime) -> list[Entry]:
    """Return the parts of working time that are not taken, cut at each step, from now on."""
    midnight = datetime.combine(day, time(), known.zone)
    entries = []
    for opens, closes in working:
        for gap_start, gap_end in _gaps((opens, closes), taken):
            start = gap_start
            while start < gap_end:
                next_step = opens + ((start - opens) // known.step + 1) * known.step
                end = min(next_step, gap_end)
                at = (midnight + timedelta(minutes=start)).astimezone(UTC)
                if at >= now:
                    entries.append(Entry("free", start, end, at=at))
                start = end
    return entries


def _gaps(within: Range, taken: list[Range]) -> list[Range]:
    start, end = within
    gaps = []
    for taken_start, taken_end in sorted(taken):
        if taken_start >= end:
            break
        if taken_start > start:
            gaps.append((start, taken_start))
        start = max(start, taken_end)
    return [*gaps, (start, end)] if start < end else gaps
