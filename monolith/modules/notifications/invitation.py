"""Calendar invitations (RFC 5545, RFC 5546) for the customer's own calendar.

Entries are assembled from lines: the library takes fifty times as long. The tests compare both results.
Time-zone definitions come from the library, once for each zone and range of years.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vText
from icalendar.parser import Contentline

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.mail_text import one_line


def invitation(events: Sequence[AnyEvent], *, organizer: str, attendee: str) -> bytes:
    """Return the events as an iCalendar object: `REQUEST` adds or moves an entry, `CANCEL` removes it.

    Several events are published instead, without an attendee: a request may contain one UID only (RFC 5546, section
    3.2.2).

    All mails about an appointment share its UID. SEQUENCE is 0 at first and grows with the version, so that a calendar
    that receives mails out of order keeps the newest.
    """
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//extraction//notifications//EN",
        f"METHOD:{method(events)}",
        *_time_zones(events),
    ]
    for event in events:
        lines += _entry(event, organizer, attendee if len(events) == 1 else None)
    lines.append("END:VCALENDAR\r\n")
    return "\r\n".join(lines).encode()


def method(events: Sequence[AnyEvent]) -> str:
    """Return the iCalendar method: that of the appointment's state, or `PUBLISH` for several events."""
    if len(events) > 1:
        return "PUBLISH"
    return "CANCEL" if events[0].appointment.status == "cancelled" else "REQUEST"


_STATUS = {"cancelled": "CANCELLED", "pending": "TENTATIVE"}


def _entry(event: AnyEvent, organizer: str, attendee: str | None) -> Iterator[str]:
    appointment = event.appointment
    yield "BEGIN:VEVENT"
    yield _line("SUMMARY:" + _escaped(one_line(f"{appointment.offering_name} with {appointment.provider_name}")))
    yield _moment("DTSTART", appointment.starts_at, appointment.zone)
    yield _moment("DTEND", appointment.ends_at, appointment.zone)
    yield f"DTSTAMP:{event.occurred_at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    yield f"UID:{appointment.appointment_id}"
    yield f"SEQUENCE:{appointment.version - 1}"
    if attendee is not None:
        yield _line(f"ATTENDEE:mailto:{attendee}")
    yield _line("LOCATION:" + _escaped(one_line(event.business_name)))
    yield _organizer(organizer, one_line(event.business_name))
    yield f"STATUS:{_STATUS.get(appointment.status, 'CONFIRMED')}"
    yield "END:VEVENT"


def _moment(name: str, moment: datetime, zone: str) -> str:
    local = moment.astimezone(ZoneInfo(zone))
    if _is_utc(zone):
        return f"{name}:{local:%Y%m%dT%H%M%SZ}"
    return f"{name};TZID={zone}:{local:%Y%m%dT%H%M%S}"


def _escaped(text: str) -> str:
    """Escape a text of one line (RFC 5545, section 3.3.11)."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")


def _line(content: str) -> str:
    """Fold a content line at 75 octets (RFC 5545, section 3.1)."""
    if len(content.encode()) < 75:
        return content
    folded: bytes = Contentline(content).to_ical()  # type: ignore[no-untyped-call]
    return folded.decode()


@lru_cache(maxsize=1024)
def _organizer(address: str, name: str) -> str:
    person, entry = vCalAddress(f"mailto:{address}"), Event()
    person.params["CN"] = vText(name)
    entry.add("organizer", person)
    text: bytes = entry.to_ical()
    return text.decode().removeprefix("BEGIN:VEVENT\r\n").removesuffix("\r\nEND:VEVENT\r\n")


def _time_zones(events: Sequence[AnyEvent]) -> Iterator[str]:
    """Return one definition per zone, from the year before the first event to the year after the last."""
    years: dict[str, list[int]] = {}
    for event in events:
        years.setdefault(event.appointment.zone, []).append(event.appointment.starts_at.year)
    for zone, of_zone in sorted(years.items()):
        if not _is_utc(zone):
            yield _time_zone(zone, min(of_zone) - 1, max(of_zone) + 2)


@lru_cache(maxsize=1024)
def _time_zone(zone: str, first_year: int, last_year: int) -> str:
    calendar = _sample(zone, first_year + 1)
    calendar.add_missing_timezones(first_date=date(first_year, 1, 1), last_date=date(last_year, 1, 1))
    (definition,) = calendar.walk("VTIMEZONE")
    text: bytes = definition.to_ical()
    return text.decode().removesuffix("\r\n")


@lru_cache(maxsize=1024)
def _is_utc(zone: str) -> bool:
    """Return whether the library writes times in this zone as UTC."""
    return b"DTSTART:" in _sample(zone, 2030).to_ical()


def _sample(zone: str, year: int) -> Calendar:
    calendar, entry = Calendar(), Event()
    entry.add("dtstart", datetime(year, 1, 1, tzinfo=ZoneInfo(zone)))
    calendar.add_component(entry)
    return calendar
