"""Calendar invitations (RFC 5545, RFC 5546) for the customer's own calendar."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.mail_text import one_line
from monolith.shared.icalendar_lines import calendar_object, folded, organizer_line, text_line, utc
from monolith.shared.localization import SOURCE, Language, texts


def invitation(
    events: Sequence[AnyEvent], *, organizer: str, attendee: str | None, language: Language = SOURCE
) -> bytes:
    """Return the events as an iCalendar object: `REQUEST` adds or moves an entry, `CANCEL` removes it.

    Several events are published instead, without an attendee: a request may contain one UID only (RFC 5546, section
    3.2.2). So is a file to be downloaded, which has no attendee either.

    All mails about an appointment share its UID. SEQUENCE is 0 at first and grows with the version, so that a calendar
    that receives mails out of order keeps the newest.
    """
    lines = [f"METHOD:{'PUBLISH' if attendee is None else method(events)}"]
    for event in events:
        lines += _entry(event, organizer, attendee if len(events) == 1 else None, language)
    return calendar_object("notifications", lines)


def method(events: Sequence[AnyEvent]) -> str:
    """Return the iCalendar method: that of the appointment's state, or `PUBLISH` for several events."""
    if len(events) > 1:
        return "PUBLISH"
    return "CANCEL" if events[0].appointment.status == "cancelled" else "REQUEST"


_STATUS = {"cancelled": "CANCELLED", "pending": "TENTATIVE"}


def _entry(event: AnyEvent, organizer: str, attendee: str | None, language: Language) -> Iterator[str]:
    appointment = event.appointment
    values = {"service": appointment.offering_name, "provider": appointment.provider_name}
    summary = texts(language).gettext("%(service)s with %(provider)s") % values
    yield "BEGIN:VEVENT"
    yield text_line("SUMMARY", one_line(summary))
    yield f"DTSTART:{utc(appointment.starts_at)}"
    yield f"DTEND:{utc(appointment.ends_at)}"
    yield f"DTSTAMP:{utc(event.occurred_at)}"
    yield f"UID:{appointment.appointment_id}"
    yield f"SEQUENCE:{appointment.version - 1}"
    if attendee is not None:
        yield folded(f"ATTENDEE:mailto:{quote(attendee, safe='@+')}")
    yield text_line("LOCATION", one_line(event.business_name))
    yield organizer_line(organizer, one_line(event.business_name))
    yield f"STATUS:{_STATUS.get(appointment.status, 'CONFIRMED')}"
    yield "END:VEVENT"
