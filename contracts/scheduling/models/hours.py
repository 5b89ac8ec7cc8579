"""Working hours: weekly hours, date overrides, holidays and blocked time."""

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
    """A half-open working range of one date, in local time of the provider. If `closes` is at or before `opens`, the
    range ends on the next day: 22:00 to 02:00 is four hours, 09:00 to 09:00 is 24 hours."""

    opens: WallTime
    closes: ClosingTime

    def minutes(self) -> tuple[int, int]:
        """Return opening and closing in minutes after midnight; closing is at most 24 hours after opening."""
        opens, closes = minutes_of(self.opens), minutes_of(self.closes)
        return opens, closes if closes > opens else closes + _DAY


class WeeklyRange(DayRange, frozen=True):
    """A working range that starts on one weekday."""

    weekday: IsoWeekday


class SetWeeklyHours(Request, frozen=True):
    """Replace a weekly schedule of a provider: the regular one, or, with dates, the one that applies from the first
    to the last date, inclusive (None: no end date). If several apply, the one that starts last counts. Ranges must
    not overlap, not even across midnight from Sunday to Monday. A dated schedule without ranges means no work;
    `remove` removes it. Idempotent."""

    provider_id: UUID
    ranges: Annotated[tuple[WeeklyRange, ...], Meta(max_length=84)]
    effective_from: CalendarDate | None = None
    effective_until: CalendarDate | None = None
    remove: bool = False

    def __post_init__(self) -> None:
        _require_disjoint_week(self.ranges)
        if self.effective_from is None and (self.effective_until is not None or self.remove):
            raise ValueError("`effective_from` is required with `effective_until` or `remove`")
        if self.remove and self.ranges:
            raise ValueError("`ranges` must be empty with `remove`")
        if self.effective_from and self.effective_until and self.effective_until < self.effective_from:
            raise ValueError("`effective_until` must not be before `effective_from`")


class WorkingRange(Reply, frozen=True):
    """A weekly working range, in replies."""

    weekday: IsoWeekday
    opens: WallTime
    closes: ClosingTime


class Schedule(Reply, frozen=True):
    """A dated weekly schedule. `effective_until` None: no end date."""

    effective_from: CalendarDate
    effective_until: CalendarDate | None
    ranges: tuple[WorkingRange, ...]


OverrideMode = Literal["replace", "close", "extra", "regular"]


class SetDateOverride(Request, frozen=True):
    """Set the hours of a provider on one date. `replace`: these ranges instead of the weekly ones, also on a holiday;
    `close`: no hours; `extra`: these ranges in addition to the weekly ones (adjacent ranges are merged); `regular`: no
    override. Idempotent."""

    provider_id: UUID
    date: CalendarDate
    mode: OverrideMode
    ranges: Annotated[tuple[DayRange, ...], Meta(max_length=12)] = ()

    def __post_init__(self) -> None:
        if bool(self.ranges) != (self.mode in ("replace", "extra")):
            raise ValueError("`ranges` are required for `replace` and `extra` and not allowed for other modes")
        _require_disjoint([each.minutes() for each in self.ranges])


class DateOverride(Reply, frozen=True):
    """The hours of a provider on one date."""

    provider_id: UUID
    date: CalendarDate
    mode: OverrideMode
    ranges: tuple[DayRange, ...]


class ListDateOverrides(Request, frozen=True):
    """List the date overrides of a provider from `first` to `last`, at most 400 days apart."""

    provider_id: UUID
    first: CalendarDate
    last: CalendarDate

    def __post_init__(self) -> None:
        if not 0 <= (self.last - self.first).days <= 400:
            raise ValueError("`last` must be 0 to 400 days after `first`")


class DateOverrides(Reply, frozen=True):
    """Date overrides by date."""

    overrides: tuple[DateOverride, ...]


class Holiday(Value, frozen=True):
    """A date on which no provider of the business works, except with a date override `replace` or `extra`. The date
    is in the provider's zone."""

    date: CalendarDate
    name: Name


class SetHolidays(Request, frozen=True):
    """Replace the holidays of the business. Idempotent."""

    holidays: Annotated[tuple[Holiday, ...], Meta(max_length=400)]

    def __post_init__(self) -> None:
        if len({holiday.date for holiday in self.holidays}) != len(self.holidays):
            raise ValueError("`holidays` contains a date twice")


class ListHolidays(Request, frozen=True):
    """List the holidays of the business."""


class Holidays(Reply, frozen=True):
    """Holidays by date."""

    holidays: tuple[Holiday, ...]


class BlockTime(Request, frozen=True):
    """Block time of a provider, of a resource, or of the whole business if neither is given; at most 400 days. Existing
    appointments remain; new ones cannot be booked in it."""

    start: Instant
    end: Instant
    provider_id: UUID | None = None
    resource_id: UUID | None = None
    reason: Note = ""

    def __post_init__(self) -> None:
        require_instant("start", self.start)
        require_instant("end", self.end)
        if not 0 < (self.end - self.start).total_seconds() <= 400 * 86_400:
            raise ValueError("`end` must be after `start`, by at most 400 days")
        if self.provider_id is not None and self.resource_id is not None:
            raise ValueError("`provider_id` and `resource_id` cannot be combined")


class RemoveBlock(Request, frozen=True):
    """Remove a block."""

    block_id: UUID


class Block(Reply, frozen=True):
    """Blocked time of a provider, of a resource, or of the whole business."""

    block_id: UUID
    start: Instant
    end: Instant
    provider_id: UUID | None
    resource_id: UUID | None
    reason: Note


class ListBlocks(Request, frozen=True):
    """List the blocks that overlap [start, end), by start, then id. `cursor` is the `next_cursor` of the previous
    page."""

    start: Instant
    end: Instant
    cursor: Cursor | None = None
    limit: PageSize = 50

    def __post_init__(self) -> None:
        require_window(self.start, self.end)


class BlockPage(Reply, frozen=True):
    """One page of blocks. `zone` is that of the business."""

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
