"""Occurrences of a series: the same local time in the provider's zone, across clock changes."""

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
    """Return the occurrences in UTC, sorted; the first is exactly `first`.

    A local time that a later date skips or has twice is converted by `hours.instant_of`. Raises InvalidRequest when the
    series extends beyond the contract's last year.
    """
    wall = first.astimezone(zone)
    found = [to_utc(int(first.timestamp()))]
    for day in islice(_dates(wall.date(), recurrence), 1, recurrence.count):
        if day >= LATEST.date():
            raise InvalidRequest(f"The series extends beyond the year {LATEST.year}.", field="recurrence")
        found.append(_at(day, wall, zone))
    return found


def shift_wall_time(moment: datetime, by: timedelta, zone: ZoneInfo) -> datetime:
    """Return the moment whose local time in the zone is later (or earlier) by this much, in UTC."""
    wall = moment.astimezone(zone).replace(tzinfo=None) + by
    return _at(wall.date(), wall, zone)


def wall_time_difference(before: datetime, after: datetime, zone: ZoneInfo) -> timedelta:
    """Return the difference between the local times of two moments in the zone."""
    return after.astimezone(zone).replace(tzinfo=None) - before.astimezone(zone).replace(tzinfo=None)


def _at(day: date, wall: datetime, zone: ZoneInfo) -> datetime:
    return to_utc(instant_of(day, wall.hour * 60 + wall.minute, zone))


def _dates(first: date, recurrence: m.Recurrence) -> Iterator[date]:
    """Yield the dates of the recurrence until the contract's last year. Months without the day are skipped."""
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
