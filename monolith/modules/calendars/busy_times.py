"""The busy times in an iCalendar file (RFC 5545): events, also recurring ones, and free/busy components.

Run `python -m monolith.modules.calendars.busy_times` in place of calling it on a file from outside: a few lines can
describe events without end, which a process of its own with limits on processor time and memory ends.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
from icalendar import Calendar, Component

from monolith.modules.calendars.intervals import Interval, merged
from monolith.modules.calendars.recurrence import UnsupportedRule, event_times
from monolith.shared.localization import N_

MOST_TIMES = 1000
PROCESSOR_SECONDS = 3
MEMORY = 512 * 1024 * 1024
_WALL_SECONDS = 8.0
_NICENESS = 10
"""A calendar may wait for a processor that serves requests."""
_REJECTED = 3
"""The exit code of the process for a file that it rejects; its output is the reason."""
_DESCRIPTION = msgspec.json.Decoder(tuple[str, datetime, datetime, int])
_RESULT = msgspec.json.Decoder(list[Interval])


class CalendarRejected(Exception):
    """A file that is not a calendar, or takes too long to read; the message is for the user who chose it."""


def read_busy_times(
    content: bytes, zone: str, start: datetime, end: datetime, *, processor_seconds: int = PROCESSOR_SECONDS
) -> list[Interval]:
    """Return what `busy_times` returns, in a process with limits. Raises CalendarRejected."""
    description = msgspec.json.encode((zone, start, end, processor_seconds))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "monolith.modules.calendars.busy_times"],
            input=description + b"\n" + content,
            capture_output=True,
            timeout=_WALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CalendarRejected(N_("The calendar takes too long to read.")) from None
    if done.returncode == _REJECTED:
        raise CalendarRejected(done.stdout.decode())
    if done.returncode != 0:
        raise CalendarRejected(N_("The calendar takes too long to read, or is malformed."))
    return _RESULT.decode(done.stdout)


def busy_times(content: bytes, zone: str, start: datetime, end: datetime) -> list[Interval]:
    """Return the busy times that end after `start` and begin before `end` as disjoint intervals in UTC, sorted.

    Days and times without a zone are local in `zone`. Events that are transparent or cancelled are not busy. Raises
    CalendarRejected, also for more than 1,000 intervals, and for events that repeat every second or minute.
    """
    try:
        calendars = Calendar.from_ical(content, multiple=True)
    except (ValueError, IndexError, KeyError) as error:
        # The library quotes the file, whose characters may not all be stored or shown.
        reason = "".join(filter(str.isprintable, str(error)))[:200]
        raise CalendarRejected(f"This is not a calendar file: {reason}") from error
    if not calendars or not all(isinstance(each, Calendar) for each in calendars):
        raise CalendarRejected(N_("This is not a calendar file: it contains no calendar."))
    found: list[Interval] = []
    for calendar in calendars:
        found += _of_events(calendar, zone, start, end)
        found += _of_free_busy(calendar)
    kept = merged([(first, last) for first, last in found if first < end and last > start and first < last])
    if len(kept) > MOST_TIMES:
        raise CalendarRejected(N_("The calendar has more than %(number)s busy times.") % {"number": MOST_TIMES})
    return kept


def _of_events(calendar: Calendar, zone: str, start: datetime, end: datetime) -> Iterator[Interval]:
    try:
        for event, (first, last) in event_times(calendar, zone, start, end):
            transparent = str(event.get("TRANSP", "OPAQUE")).upper() == "TRANSPARENT"
            if not transparent and str(event.get("STATUS", "")).upper() != "CANCELLED":
                yield first.replace(microsecond=0), last.replace(microsecond=0)
    except UnsupportedRule as error:
        raise CalendarRejected(str(error)) from error
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
        raise CalendarRejected(N_("An event of the calendar is malformed.")) from error


def _of_free_busy(calendar: Calendar) -> Iterator[Interval]:
    try:
        for component in calendar.walk("VFREEBUSY"):
            for period in _periods(component):
                if str(period.params.get("FBTYPE", "BUSY")).upper() != "FREE":
                    yield period.start.astimezone(UTC), period.end.astimezone(UTC)
    except (ValueError, TypeError, OverflowError) as error:
        raise CalendarRejected("A free/busy component of the calendar is malformed.") from error


def _periods(component: Component) -> list[Any]:
    found = component.get("FREEBUSY", [])
    return [each for each in (found if isinstance(found, list) else [found]) if hasattr(each, "start")]


def main() -> None:
    """Read a description and a file from standard input, and write the busy times to standard output, as JSON."""
    description, _, content = sys.stdin.buffer.read().partition(b"\n")
    zone, start, end, seconds = _DESCRIPTION.decode(description)
    os.nice(_NICENESS)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    try:
        sys.stdout.buffer.write(msgspec.json.encode(busy_times(content, zone, start, end)))
    except CalendarRejected as error:
        sys.stdout.write(str(error))
        sys.exit(_REJECTED)


if __name__ == "__main__":
    main()
