"""Bounds and formats of values that every API shares: names, notes, time zones, pages."""

from datetime import datetime
from typing import Annotated
from zoneinfo import available_timezones

from msgspec import Meta

# No control characters: Postgres rejects NUL, and CR LF must not reach a mail header or a log line. No unpaired
# surrogates: they have no UTF-8 encoding. `$` alone would also match before a final newline, hence `(?!\n)`.
_PRINTABLE = r"^[^\x00-\x1f\x7f\ud800-\udfff]*$(?!\n)"

Name = Annotated[str, Meta(min_length=1, max_length=80, pattern=_PRINTABLE, description="One line of text.")]
Note = Annotated[str, Meta(max_length=500, pattern=_PRINTABLE, description="One line of text.")]
ZoneName = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        pattern=r"^[A-Za-z0-9_+/-]+$(?!\n)",
        description="An IANA time zone, for example Europe/Paris.",
    ),
]
PageSize = Annotated[int, Meta(ge=1, le=200)]
Cursor = Annotated[
    str,
    Meta(max_length=200, pattern=r"^[A-Za-z0-9_-]*$(?!\n)", description="The `next_cursor` of the previous page."),
]
Instant = Annotated[datetime, Meta(tz=True)]
"""A point in time with its UTC offset; a time without one is rejected."""

_ZONES = available_timezones()


def require_zone(name: str, field: str = "zone") -> None:
    """Raise ValueError unless `name` is in the IANA database."""
    if name not in _ZONES:
        raise ValueError(f"`{field}` is not an IANA time zone: {name}")
