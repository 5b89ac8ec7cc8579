"""The days of clock changes, found by examining each day."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

YEAR = 2030


@cache
def changes(zone: ZoneInfo) -> tuple[date, ...]:
    """Return the local dates of `YEAR` on which, or on the eve of which, clocks change."""
    midnights = [datetime(YEAR, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(366)]
    return tuple(
        moment.date()
        for moment in midnights
        if moment.astimezone(zone).utcoffset() != (moment + timedelta(days=1)).astimezone(zone).utcoffset()
    )
