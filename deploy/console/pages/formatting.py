"""Format figures and times for pages."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

_COMMAND = re.compile(r"`([^`]+)`")


def clock(moment: datetime | None) -> str:
    """Format a time of day in UTC like `12:03:04`."""
    return "never" if moment is None else f"{moment.astimezone(UTC):%H:%M:%S}"


def instant(moment: datetime | None) -> str:
    """Format a date and time in UTC like `2030-01-01 12:03:04`."""
    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def duration(seconds: float | timedelta | None) -> str:
    """Format a duration like `230 ms`, `4.2 s`, `3 min` or `2 h`."""
    if seconds is None:
        return ""
    value = seconds.total_seconds() if isinstance(seconds, timedelta) else seconds
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    if value < 3600:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.0f} h" if value < 172_800 else f"{value / 86_400:.0f} days"


def data_size(count: int | None) -> str:
    """Format a number of bytes like `1.2 MB`."""
    if count is None:
        return ""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} B"


def person(actor: str) -> str:
    """Shorten an actor of the audit log: an operator of the console is named by the e-mail address."""
    return actor.removeprefix("operator:")


def with_code(text: str) -> Markup:
    """Escape a text, and show its parts between backticks as commands."""
    # The text is escaped; only the tags are added.
    return Markup(_COMMAND.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704


FILTERS: dict[str, Callable[..., object]] = {
    "clock": clock,
    "instant": instant,
    "duration": duration,
    "data_size": data_size,
    "person": person,
    "with_code": with_code,
}
