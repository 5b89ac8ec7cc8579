"""The times of the events in a calendar (RFC 5545), also of recurring ones, with their exceptions.

A recurring event keeps its local time, so its rule is evaluated on local times without a zone.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from dateutil import rrule
from icalendar import Calendar, Component
from icalendar.prop import vRecur

from monolith.modules.calendars.intervals import Interval
from monolith.shared.localization import N_

_SLACK = timedelta(days=1)
"""More than any two zones differ by."""

_TOO_FREQUENT = frozenset({"SECONDLY", "MINUTELY"})
"""Nobody is busy so often, and evaluating such a rule takes very long."""


class UnsupportedRule(Exception):
    """A recurrence rule that is not evaluated; the message names it, for the user who chose the calendar."""


def event_times(calendar: Calendar, zone: str, start: datetime, end: datetime) -> Iterator[tuple[Component, Interval]]:
    """Yield each event with its times: at least those that overlap [start, end), and some others.

    Days and times without a zone are local in `zone`. Raises UnsupportedRule; a malformed event raises ValueError,
    TypeError, KeyError, OverflowError or AttributeError.
    """
    exceptions: dict[str, list[Component]] = {}
    events: list[Component] = []
    for event in calendar.walk("VEVENT"):
        if "RECURRENCE-ID" in event:
            exceptions.setdefault(str(event.get("UID", "")), []).append(event)
        events.append(event)
    for event in events:
        own = [] if "RECURRENCE-ID" in event else exceptions.get(str(event.get("UID", "")), [])
        for interval in _Times(event, own, zone).around(start, end):
            yield event, interval


class _Times:
    """The times of one event; `exceptions` replace some of them."""

    def __init__(self, event: Component, exceptions: list[Component], zone: str) -> None:
        self._event = event
        first = _value(event, "DTSTART")
        self._of_days = not isinstance(first, datetime)
        self._zone: tzinfo = getattr(first, "tzinfo", None) or ZoneInfo(zone)
        self._first = self._local(first)
        self._length = self._find_length()
        self._replaced = [self._local(_value(each, "RECURRENCE-ID")) for each in exceptions]

    def around(self, start: datetime, end: datetime) -> Iterator[Interval]:
        for local in self._starts(start, end):
            first = self._instant(local)
            # Days end at midnight, also if a clock change makes them longer or shorter.
            yield first, self._instant(local + self._length) if self._of_days else first + self._length

    def _starts(self, start: datetime, end: datetime) -> list[datetime]:
        if "RRULE" not in self._event and "RDATE" not in self._event:
            return [] if self._first in self._replaced else [self._first]
        every: Any = rrule.rruleset()  # type: ignore[no-untyped-call]
        every.rdate(self._first)
        for rule in _many(self._event.get("RRULE")):
            every.rrule(rrule.rrulestr(self._local_rule(rule), dtstart=self._first))
        for each in self._listed("RDATE"):
            every.rdate(each)
        for each in [*self._listed("EXDATE"), *self._replaced]:
            every.exdate(each)
        found: list[datetime] = every.between(
            self._local(start) - self._length - _SLACK, self._local(end) + _SLACK, inc=True
        )
        return found

    def _listed(self, name: str) -> Iterator[datetime]:
        for several in _many(self._event.get(name)):
            for each in several.dts:
                # A date of recurrence may be a period.
                yield self._local(each.dt[0] if isinstance(each.dt, tuple) else each.dt)

    def _local_rule(self, rule: vRecur) -> str:
        """Return a rule whose end is a local time too."""
        copy = vRecur(rule)
        for frequency in _many(copy.get("FREQ")):
            if str(frequency).upper() in _TOO_FREQUENT:
                text = N_("An event repeats by the rule FREQ=%(rule)s, which is not supported.")
                raise UnsupportedRule(text % {"rule": str(frequency).upper()})
        if "UNTIL" in copy:
            (until,) = _many(copy["UNTIL"])
            whole_day = not isinstance(until, datetime)
            copy["UNTIL"] = [self._local(until) + (timedelta(days=1, seconds=-1) if whole_day else timedelta(0))]
        written: bytes = copy.to_ical()  # type: ignore[no-untyped-call]
        return written.decode()

    def _find_length(self) -> timedelta:
        """Return the length: a day for a day without an end, nothing for a time without one."""
        if "DTEND" in self._event:
            last = self._local(_value(self._event, "DTEND"))
            return last - self._first if self._of_days else self._instant(last) - self._instant(self._first)
        if "DURATION" in self._event:
            length: timedelta = _value(self._event, "DURATION")
            return length
        return timedelta(days=1) if self._of_days else timedelta(0)

    def _local(self, moment: date | datetime) -> datetime:
        if not isinstance(moment, datetime):
            return datetime.combine(moment, time())
        return (moment if moment.tzinfo is None else moment.astimezone(self._zone)).replace(tzinfo=None)

    def _instant(self, local: datetime) -> datetime:
        return local.replace(tzinfo=self._zone).astimezone(UTC)


def _value(event: Any, name: str) -> Any:
    return event[name].dt


def _many(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
