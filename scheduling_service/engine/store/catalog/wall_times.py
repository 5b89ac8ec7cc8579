"""Conversion between minutes after midnight, as stored, and local times, as in the contract."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from contracts.scheduling import models as m
from scheduling_service.engine.hours import format_wall_time

_DAY = 24 * 60


def sorted_minutes(ranges: Iterable[m.DayRange]) -> list[tuple[int, int]]:
    """Return the opening and closing minute of each range, sorted; the closing may exceed 24 hours."""
    return sorted(each.minutes() for each in ranges)


def sorted_week(ranges: Iterable[m.WeeklyRange]) -> list[tuple[int, int, int]]:
    """Return the weekday, opening and closing minute of each range, sorted."""
    return sorted((each.weekday, *each.minutes()) for each in ranges)


def to_columns(rows: Sequence[tuple[int, ...]], width: int) -> list[list[int]]:
    """Transpose rows into the columns that `unnest` takes."""
    return [list(map(itemgetter(column), rows)) for column in range(width)]


def day_range(opens: int, closes: int) -> m.DayRange:
    return m.DayRange(opens=format_wall_time(opens), closes=_closing(closes))


def working_range(weekday: int, opens: int, closes: int) -> m.WorkingRange:
    return m.WorkingRange(weekday=weekday, opens=format_wall_time(opens), closes=_closing(closes))


def _closing(minutes: int) -> str:
    """Format a closing time: 24:00 for midnight, and a later one as a time of the next day."""
    return format_wall_time(minutes if minutes <= _DAY else minutes - _DAY)
