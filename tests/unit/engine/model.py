"""Availability the slow way: look at every minute alone, and at the clock on the wall.

Shares nothing with the engine but `zoneinfo`. All times are in seconds since 1970.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = 60
Range = tuple[int, int]


@cache
def reached(day: date, minute: int, zone: ZoneInfo) -> int:
    """When a clock in the zone first shows that time of that day, or anything later."""
    wanted = datetime.combine(day, time()) + timedelta(minutes=minute)
    moment = int(wanted.replace(tzinfo=UTC).timestamp()) - 15 * 3600
    while datetime.fromtimestamp(moment, zone).replace(tzinfo=None) < wanted:
        moment += MINUTE
    return moment


@dataclass(frozen=True)
class Model:
    """One provider and one offering. `week[0]` is Monday; its ranges are minutes after midnight."""

    zone: ZoneInfo
    week: Sequence[Sequence[Range]]
    step: int
    length: int
    taken: Sequence[Range]
    now: int

    def offered(self, start: int) -> bool:
        return self.is_ahead(start) and self.is_free(start) and self.is_on_grid(start)

    def is_ahead(self, start: int) -> bool:
        return start > self.now

    def is_free(self, start: int) -> bool:
        """No minute of the appointment is anybody else's."""
        minutes = range(start, start + self.length, MINUTE)
        return not any(begins <= minute < ends for minute in minutes for begins, ends in self.taken)

    def is_on_grid(self, start: int) -> bool:
        return any((start - opens) % self.step == 0 for opens, _ in self._around(start))

    def is_within_hours(self, start: int) -> bool:
        return bool(self._around(start))

    def _around(self, start: int) -> list[Range]:
        """The working ranges that hold the whole appointment; of that date, or of one beside it."""
        today = datetime.fromtimestamp(start, self.zone).date()
        ranges = [
            (reached(day, opens, self.zone), reached(day, closes, self.zone))
            for day in (today - timedelta(days=1), today, today + timedelta(days=1))
            for opens, closes in self.week[day.weekday()]
        ]
        return [(opens, closes) for opens, closes in ranges if opens <= start and start + self.length <= closes]
