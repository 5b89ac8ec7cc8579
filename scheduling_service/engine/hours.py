"""Conversion of local times to instants.

A local time that a clock change skips means the moment of the change; one that occurs twice means the first. So a later
local time is never an earlier instant, and a working range stays within its date and apart from its neighbours. Its
length follows the zone: 00:00-24:00 lasts 23 or 25 hours on the days of a change; where clocks jump from 02:00 to
03:00, 02:30-04:00 is the hour from 03:00 on, and 02:15-02:45 is empty.
"""

from bisect import bisect_left
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

_MIDNIGHT = time()


@lru_cache(maxsize=20_000)
def instant_of(day: date, minute: int, zone: ZoneInfo) -> int:
    """Return the instant `minute` minutes after midnight on `day`, in seconds since 1970; 1440 is the next midnight."""
    days, minute = divmod(minute, 1440)
    wall = datetime.combine(day + timedelta(days=days), _MIDNIGHT, zone).replace(hour=minute // 60, minute=minute % 60)
    instant = int(wall.timestamp())
    shown = datetime.fromtimestamp(instant, zone).replace(tzinfo=None)
    ahead = shown - wall.replace(tzinfo=None)
    # Python converts a skipped time with the offset before the change, which yields an instant after the change.
    return _change_before(instant, ahead, zone) if ahead else instant


def local_date(moment: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(moment, zone).date()


@lru_cache(maxsize=50_000)
def to_utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def format_wall_time(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def _change_before(instant: int, within: timedelta, zone: ZoneInfo) -> int:
    """Return the start of the UTC offset in effect at `instant`, which lies at most `within` earlier."""

    def offset(seconds: int) -> timedelta | None:
        return datetime.fromtimestamp(seconds, zone).utcoffset()

    moments = range(instant - int(within.total_seconds()), instant + 1)
    return moments[bisect_left(moments, True, key=lambda moment: offset(moment) == offset(instant))]
