"""Minutes after midnight, as tables keep them, and times on the wall, as the contract writes them."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from contracts.scheduling import models as m
from scheduling_service.engine.hours import format_wall_time

_DAY = 24 * 60


def sorted_minutes(ranges: Iterable[m.DayRange]) -> list[tuple[int, int]]:
    """Opening and closing of each range, ascending; the closing may lie past 24 hours."""
    return sorted(each.minutes() for each in ranges)


def sorted_week(ranges: Iterable[m.WeeklyRange]) -> list[tuple[int, int, int]]:
    """Weekday, opening and closing of each range, ascending."""
    return sorted((each.weekday, *each.minutes()) for each in ranges)


def to_columns(rows: Sequence[tuple[int, ...]], width: int) -> list[list[int]]:
    """As `unnest` takes them."""
    return [list(map(itemgetter(column), rows)) for column in range(width)]


def day_range(opens: int, closes: int) -> m.DayRange:
    return m.DayRange(opens=format_wall_time(opens), closes=_closing(closes))


def working_range(weekday: int, opens: int, closes: int) -> m.WorkingRange:
    return m.WorkingRange(weekday=weekday, opens=format_wall_time(opens), closes=_closing(closes))


def _closing(minutes: int) -> str:
    """Midnight is 24:00; what is later is a time of the next day."""
    return format_wall_time(minutes if minutes <= _DAY else minutes - _DAY)
