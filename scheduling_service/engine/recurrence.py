"""When the occurrences of a series are: the same time on the provider's wall clock, whatever the clocks do between."""

from calendar import monthrange
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count, islice
from zoneinfo import ZoneInfo

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest
from contracts.scheduling.values import LATEST
from scheduling_service.engine.hours import instant_of, to_utc


def occurrences(first: datetime, recurrence: m.Recurrence, zone: ZoneInfo) -> list[datetime]:
    """In UTC, ascending; `first` is the first of them, exactly.

    A wall time that a later date skips or has twice is read as `hours.instant_of` reads it. Raises InvalidRequest when
    the last lies beyond what the contract can say.
    """
    wall = first.astimezone(zone)
    found = [to_utc(int(first.timestamp()))]
    for day in islice(_dates(wall.date(), recurrence), 1, recurrence.count):
        if day >= LATEST.date():
            raise InvalidRequest(f"The series reaches beyond the year {LATEST.year}.", field="recurrence")
        found.append(_at(day, wall, zone))
    return found


def shift_wall_time(moment: datetime, by: timedelta, zone: ZoneInfo) -> datetime:
    """The moment so much later (or earlier) on the wall clock of the zone, in UTC."""
    wall = moment.astimezone(zone).replace(tzinfo=None) + by
    return _at(wall.date(), wall, zone)


def wall_time_difference(before: datetime, after: datetime, zone: ZoneInfo) -> timedelta:
    """How far the hands of the zone's clock move, and its calendar with them, from one moment to the other."""
    return after.astimezone(zone).replace(tzinfo=None) - before.astimezone(zone).replace(tzinfo=None)


def _at(day: date, wall: datetime, zone: ZoneInfo) -> datetime:
    return to_utc(instant_of(day, wall.hour * 60 + wall.minute, zone))


def _dates(first: date, recurrence: m.Recurrence) -> Iterator[date]:
    """Never ends but with the calendar. A month without the day is left out."""
    if recurrence.every != "month":
        step = timedelta(days=recurrence.interval * (7 if recurrence.every == "week" else 1))
        yield from (first + step * n for n in count())
        return
    for months in count(0, recurrence.interval):
        years, month = divmod(first.month - 1 + months, 12)
        if first.year + years > LATEST.year:
            yield LATEST.date()
            return
        if first.day <= monthrange(first.year + years, month + 1)[1]:
            yield date(first.year + years, month + 1, first.day)
