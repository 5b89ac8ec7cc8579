"""Content lines of iCalendar objects (RFC 5545).

Entries are assembled from lines: the library takes fifty times as long. The tests compare both results.
Time-zone definitions come from the library, once for each zone and range of years.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vText
from icalendar.parser import Contentline


def calendar_object(product: str, lines: Iterable[str]) -> bytes:
    """Return an iCalendar object of `lines`; `product` names the part of this product that made it."""
    return "\r\n".join(
        ["BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//extraction//{product}//EN", *lines, "END:VCALENDAR\r\n"]
    ).encode()


def text_line(name: str, text: str) -> str:
    """Return a property with a text, which may contain line breaks (RFC 5545, section 3.3.11)."""
    escaped = text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
    return folded(f"{name}:{escaped}")


def local_line(name: str, moment: datetime, zone: str) -> str:
    """Return a property with a local time in `zone`, which `time_zones` must define."""
    local = moment.astimezone(ZoneInfo(zone))
    if _is_utc(zone):
        return f"{name}:{local:%Y%m%dT%H%M%SZ}"
    return f"{name};TZID={zone}:{local:%Y%m%dT%H%M%S}"


def utc(moment: datetime) -> str:
    """Return a UTC time as iCalendar writes it."""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def folded(content: str) -> str:
    """Fold a content line at 75 octets (RFC 5545, section 3.1)."""
    if len(content.encode()) < 75:
        return content
    lines: bytes = Contentline(content).to_ical()  # type: ignore[no-untyped-call]
    return lines.decode()


@lru_cache(maxsize=1024)
def organizer_line(address: str, name: str) -> str:
    """Return the property ORGANIZER."""
    person, entry = vCalAddress(f"mailto:{address}"), Event()
    person.params["CN"] = vText(name)
    entry.add("organizer", person)
    text: bytes = entry.to_ical()
    return text.decode().removeprefix("BEGIN:VEVENT\r\n").removesuffix("\r\nEND:VEVENT\r\n")


def time_zones(moments: Iterable[tuple[str, datetime]]) -> Iterator[str]:
    """Return one definition per zone, from the year before its first moment to the year after the last."""
    years: dict[str, list[int]] = {}
    for zone, moment in moments:
        years.setdefault(zone, []).append(moment.year)
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
