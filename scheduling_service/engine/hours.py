"""From wall clocks to instants.

A local time follows RFC 5545, section 3.3.5: one that a change of clocks skips is read with the offset from before the
gap (02:30 becomes 03:30), and one that happens twice means the first. So a working range keeps its wall-clock ends and
its length in real time follows the zone: 00:00-24:00 lasts 23 or 25 hours on the days the clocks change.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_MIDNIGHT = time()


def instant_of(day: date, minute: int, zone: ZoneInfo) -> int:
    """Seconds since 1970 of the local time `minute` minutes after midnight on `day`; 1440 is the next midnight."""
    days, minute = divmod(minute, 1440)
    wall = datetime.combine(day + timedelta(days=days), _MIDNIGHT, zone).replace(hour=minute // 60, minute=minute % 60)
    return int(wall.timestamp())


def local_days(start: int, end: int, zone: ZoneInfo) -> list[date]:
    """Every local date that [start, end) touches, in order."""
    first = datetime.fromtimestamp(start, zone).date()
    last = datetime.fromtimestamp(end - 1, zone).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def as_utc(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def minutes_of(wall: str) -> int:
    """Minutes after midnight of `HH:MM`."""
    return int(wall[:2]) * 60 + int(wall[3:])


def wall_of(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
