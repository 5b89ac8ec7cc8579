"""Content lines of iCalendar objects (RFC 5545).

Entries are assembled from lines: the library takes fifty times as long. The tests compare both results. Times are in
UTC: a local time cannot express the second of two equal hours when summer time ends (RFC 5545, section 3.3.5).
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from icalendar import Event, vCalAddress, vText
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
