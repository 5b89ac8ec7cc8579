"""When people work: weeks, dates that differ, holidays, blocked time."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from contracts.chassis.values import Cursor, Instant, Name, Note, PageSize, ZoneName
from contracts.scheduling.models.kinds import Reply, Request, Value
from contracts.scheduling.values import (
    CalendarDate,
    ClosingTime,
    IsoWeekday,
    WallTime,
    minutes_of,
    require_instant,
    require_window,
)

_DAY = 24 * 60
_WEEK = 7 * _DAY


class DayRange(Value, frozen=True):
    """A working range of one date, wall clock in the provider's zone, half-open. One that closes at or before its
    opening on the clock closes on the next day: 22:00 to 02:00 is four hours, and 09:00 to 09:00 a day and night."""

    opens: WallTime
    closes: ClosingTime

    def minutes(self) -> tuple[int, int]:
        """Opening and closing in minutes after the date's midnight; the closing is at most 24 hours later."""
        opens, closes = minutes_of(self.opens), minutes_of(self.closes)
        return opens, closes if closes > opens else closes + _DAY


class WeeklyRange(DayRange, frozen=True):
    """A working range that begins on one weekday."""

    weekday: IsoWeekday


class SetWeeklyHours(Request, frozen=True):
    """Replaces one of the provider's weeks: the one that always holds, or, with dates, the one that holds from the
    first to the last of them (None: without end), both included. Of several that hold, the one that began last
    counts. Ranges must not overlap, nor past Sunday's midnight into Monday. A dated week without ranges means not
    working; to remove a dated week, set `remove`. Idempotent."""

    provider_id: UUID
    ranges: Annotated[tuple[WeeklyRange, ...], Meta(max_length=84)]
    effective_from: CalendarDate | None = None
    effective_until: CalendarDate | None = None
    remove: bool = False

    def __post_init__(self) -> None:
        _require_disjoint_week(self.ranges)
        if self.effective_from is None and (self.effective_until is not None or self.remove):
            raise ValueError("`effective_from` is needed beside `effective_until` or `remove`")
        if self.remove and self.ranges:
            raise ValueError("`ranges` must be empty beside `remove`")
        if self.effective_from and self.effective_until and self.effective_until < self.effective_from:
            raise ValueError("`effective_until` must not be before `effective_from`")


class WorkingRange(Reply, frozen=True):
    """A `WeeklyRange` as it stands."""

    weekday: IsoWeekday
    opens: WallTime
    closes: ClosingTime


class Schedule(Reply, frozen=True):
    """A dated week as it stands."""

    effective_from: CalendarDate
    effective_until: CalendarDate | None
    ranges: tuple[WorkingRange, ...]


OverrideMode = Literal["replace", "close", "extra", "regular"]


class SetDateOverride(Request, frozen=True):
    """How one date of the provider differs. `replace`: these ranges instead of the week's, holidays included;
    `close`: none; `extra`: these besides the week's (where they meet they are one range); `regular`: it does not
    differ. Idempotent."""

    provider_id: UUID
    date: CalendarDate
    mode: OverrideMode
    ranges: Annotated[tuple[DayRange, ...], Meta(max_length=12)] = ()

    def __post_init__(self) -> None:
        if bool(self.ranges) != (self.mode in ("replace", "extra")):
            raise ValueError("`ranges` belong to `replace` and `extra`, which need at least one")
        _require_disjoint([each.minutes() for each in self.ranges])


class DateOverride(Reply, frozen=True):
    provider_id: UUID
    date: CalendarDate
    mode: OverrideMode
    ranges: tuple[DayRange, ...]


class ListDateOverrides(Request, frozen=True):
    """Those from `first` on, at most 400 days."""

    provider_id: UUID
    first: CalendarDate
    last: CalendarDate

    def __post_init__(self) -> None:
        if not 0 <= (self.last - self.first).days <= 400:
            raise ValueError("`last` must lie 0 to 400 days after `first`")


class DateOverrides(Reply, frozen=True):
    """By date."""

    overrides: tuple[DateOverride, ...]


class Holiday(Value, frozen=True):
    """A date on which nobody of the business works, but for those whose own date says `replace` or `extra`. The date is
    that of the provider's clock, as for the ranges that begin on it."""

    date: CalendarDate
    name: Name


class SetHolidays(Request, frozen=True):
    """Replaces the business's holidays. Idempotent."""

    holidays: Annotated[tuple[Holiday, ...], Meta(max_length=400)]

    def __post_init__(self) -> None:
        if len({holiday.date for holiday in self.holidays}) != len(self.holidays):
            raise ValueError("`holidays` names a date twice")


class ListHolidays(Request, frozen=True):
    pass


class Holidays(Reply, frozen=True):
    """By date."""

    holidays: tuple[Holiday, ...]


class BlockTime(Request, frozen=True):
    """Time off: of a provider, of a resource, or of the whole business if neither is named. At most 400 days. What is
    booked in it stays booked; nothing new is."""

    start: Instant
    end: Instant
    provider_id: UUID | None = None
    resource_id: UUID | None = None
    reason: Note = ""

    def __post_init__(self) -> None:
        require_instant("start", self.start)
        require_instant("end", self.end)
        if not 0 < (self.end - self.start).total_seconds() <= 400 * 86_400:
            raise ValueError("`end` must lie after `start`, by at most 400 days")
        if self.provider_id is not None and self.resource_id is not None:
            raise ValueError("`provider_id` and `resource_id` exclude each other")


class RemoveBlock(Request, frozen=True):
    block_id: UUID


class Block(Reply, frozen=True):
    block_id: UUID
    start: Instant
    end: Instant
    provider_id: UUID | None
    resource_id: UUID | None
    reason: Note


class ListBlocks(Request, frozen=True):
    """Those that touch [start, end). Ordered by start, then id; `cursor` is the previous page's `next_cursor`."""

    start: Instant
    end: Instant
    cursor: Cursor | None = None
    limit: PageSize = 50

    def __post_init__(self) -> None:
        require_window(self.start, self.end)


class BlockPage(Reply, frozen=True):
    zone: ZoneName
    blocks: tuple[Block, ...]
    next_cursor: Cursor | None = None
    """None on the last page."""


def _require_disjoint_week(ranges: Sequence[WeeklyRange]) -> None:
    week = []
    for each in ranges:
        opens, closes = each.minutes()
        midnight = (each.weekday - 1) * _DAY
        week.append((midnight + opens, midnight + closes))
    _require_disjoint(week, wraps=True)


def _require_disjoint(ranges: list[tuple[int, int]], *, wraps: bool = False) -> None:
    ordered = sorted(ranges)
    if wraps and ordered:
        opens, closes = ordered[0]
        ordered.append((opens + _WEEK, closes + _WEEK))
    for earlier, later in pairwise(ordered):
        if later[0] < earlier[1]:
            day, minute = divmod(later[0] % _WEEK, _DAY)
            on = f" on weekday {day + 1}" if wraps else ""
            raise ValueError(f"`ranges` overlap{on} at {minute // 60:02d}:{minute % 60:02d}")
