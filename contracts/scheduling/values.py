"""Types of single values, with the bounds and formats that all models share."""

import re
from datetime import UTC, date, datetime
from typing import Annotated

from msgspec import Meta

Minutes = Annotated[int, Meta(ge=1, le=24 * 60)]
Cutoff = Annotated[int, Meta(ge=0, le=60 * 24 * 60)]
Buffer = Annotated[int, Meta(ge=0, le=12 * 60)]
Notice = Annotated[int, Meta(ge=0, le=365 * 24 * 60)]
Seats = Annotated[int, Meta(ge=1, le=1000)]
ResourceKind = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        pattern=r"^[a-z0-9][a-z0-9_-]*$(?!\n)",
        description="Lowercase letters, digits, `-` and `_`, for example `room`.",
    ),
]
CalendarDate = date
"""A local calendar date; the field's documentation names the time zone."""
Version = Annotated[int, Meta(ge=1)]
Epoch = Annotated[int, Meta(ge=1)]
IsoWeekday = Annotated[int, Meta(ge=1, le=7, description="1 is Monday, 7 is Sunday (ISO 8601).")]

WallTime = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)", description="A local time from 00:00 to 23:59.")
]
ClosingTime = Annotated[
    str,
    Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$(?!\n)", description="A local time from 00:00 to 24:00."),
]

_DATABASE_NAME = r"^(monolith|scheduling(-([2-9]|[1-9][0-9]{1,2}))?)$(?!\n)"
DatabaseName = Annotated[
    str,
    Meta(
        pattern=_DATABASE_NAME,
        description="`monolith`, `scheduling`, or `scheduling-2` and so on.",
    ),
]
"""A database that can own a business: `monolith`, the monolith's own; `scheduling`, the scheduling service's first;
`scheduling-2` up to `scheduling-999`, further ones of it."""

LONGEST_SEARCH_DAYS = 62
MOST_PROVIDERS = 100
"""The maximum in one search. A business may have more; a search then names a set of them."""
MOST_STARTS = 25_000
"""The maximum of possible start times, free or not and over all providers, that one search examines."""
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)


def is_database_name(text: str) -> bool:
    """Return whether the text is a `DatabaseName`."""
    return re.match(_DATABASE_NAME, text) is not None


def minutes_of(wall: str) -> int:
    """Return the minutes after midnight of `HH:MM`."""
    return int(wall[:2]) * 60 + int(wall[3:])


def require_instant(field: str, moment: datetime) -> None:
    """Raise ValueError unless the time has a UTC offset and is between the years 2000 and 2200."""
    if moment.tzinfo is None:
        raise ValueError(f"`{field}` needs a UTC offset, for example 2030-05-06T09:00:00Z")
    if not EARLIEST <= moment < LATEST:
        raise ValueError(f"`{field}` must be between the years 2000 and 2200")


def require_start(field: str, moment: datetime) -> None:
    """Raise ValueError unless an appointment may start at this time: it must be a whole minute."""
    require_instant(field, moment)
    if moment.second or moment.microsecond:
        raise ValueError(f"`{field}` must be a whole minute")


def require_window(start: datetime, end: datetime) -> None:
    """Raise ValueError unless `end` is after `start` by at most 62 days."""
    require_instant("start", start)
    require_instant("end", end)
    if end <= start:
        raise ValueError("`end` must be after `start`")
    if (end - start).total_seconds() > LONGEST_SEARCH_DAYS * 86_400:
        raise ValueError(f"`end` may be at most {LONGEST_SEARCH_DAYS} days after `start`")
