"""Calendar invitations (RFC 5545, RFC 5546) for the customer's own calendar."""

from datetime import date
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event, vCalAddress, vText

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.mail_text import one_line


def invitation(event: AnyEvent, *, organizer: str, attendee: str) -> bytes:
    """Return the event as an iCalendar object: `REQUEST` adds or moves the entry, `CANCEL` removes it.

    All mails about an appointment share its UID, and SEQUENCE grows with its version, so that a calendar that receives
    mails out of order keeps the newest.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//extraction//notifications//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method(event))
    calendar.add_component(_entry(event, organizer, attendee))
    year = event.appointment.starts_at.year
    calendar.add_missing_timezones(first_date=date(year - 1, 1, 1), last_date=date(year + 2, 1, 1))
    ics: bytes = calendar.to_ical()
    return ics


def method(event: AnyEvent) -> str:
    return "CANCEL" if event.appointment.status == "cancelled" else "REQUEST"


_STATUS = {"cancelled": "CANCELLED", "pending": "TENTATIVE"}


def _entry(event: AnyEvent, organizer: str, attendee: str) -> Event:
    appointment, zone = event.appointment, ZoneInfo(event.appointment.zone)
    entry = Event()
    entry.add("uid", str(appointment.appointment_id))
    entry.add("sequence", appointment.version)
    entry.add("dtstamp", event.occurred_at)
    entry.add("dtstart", appointment.starts_at.astimezone(zone))
    entry.add("dtend", appointment.ends_at.astimezone(zone))
    entry.add("summary", one_line(f"{appointment.offering_name} with {appointment.provider_name}"))
    entry.add("location", one_line(event.business_name))
    entry.add("status", _STATUS.get(appointment.status, "CONFIRMED"))
    entry.add("organizer", _person(organizer, event.business_name))
    entry.add("attendee", _person(attendee, None))
    return entry


def _person(address: str, name: str | None) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    if name is not None:
        person.params["CN"] = vText(one_line(name))
    return person
