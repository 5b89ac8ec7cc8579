"""What a mail says. Plain text in; escaping and headers are the composer's."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.scheduling.events import AnyEvent, AppointmentRescheduled
from monolith.modules.notifications.model import Kind


@dataclass(frozen=True, slots=True)
class Wording:
    """`facts` are pairs of a label and a value."""

    subject: str
    greeting: str
    opening: str
    facts: tuple[tuple[str, str], ...]
    closing: str


def wording(kind: Kind, event: AnyEvent, name: str, page_url: str) -> Wording:
    """Every text is one line. Times are in the zone of the appointment, which they name."""
    what, business = one_line(event.appointment.offering_name), one_line(event.business_name)
    zone = ZoneInfo(event.appointment.zone)
    starts = local(event.appointment.starts_at, zone)
    subjects = {
        "confirmation": f"Booked: {what}, {starts}",
        "change": f"Moved: {what}, now {starts}",
        "cancellation": f"Cancelled: {what}, {starts}",
        "reminder": f"Reminder: {what}, {starts}",
    }
    openings = {
        "confirmation": f"Your appointment at {business} is booked.",
        "change": f"Your appointment at {business} has been moved.",
        "cancellation": f"Your appointment at {business} has been cancelled.",
        "reminder": f"This is a reminder of your appointment at {business}.",
    }
    return Wording(
        subject=subjects[kind],
        greeting=f"Hello {one_line(name)},",
        opening=openings[kind],
        facts=_facts(kind, event, zone),
        closing=f"See your appointments: {page_url}",
    )


def _facts(kind: Kind, event: AnyEvent, zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    appointment = event.appointment
    facts = [
        ("What", appointment.offering_name),
        ("With", appointment.provider_name),
        ("When", interval(appointment.starts_at, appointment.ends_at, zone)),
    ]
    if kind == "change" and isinstance(event, AppointmentRescheduled):
        facts.append(("Before", local(event.previous_starts_at, zone)))
    if kind == "cancellation" and appointment.cancel_reason:
        facts.append(("Reason", appointment.cancel_reason))
    elif kind != "cancellation" and appointment.note:
        facts.append(("Note", appointment.note))
    return tuple((label, one_line(value)) for label, value in facts)


def local(moment: datetime, zone: ZoneInfo) -> str:
    """Like `Monday 6 May 2030, 09:00 (Europe/Berlin)`."""
    return f"{_day(moment.astimezone(zone))}, {moment.astimezone(zone):%H:%M} ({zone.key})"


def interval(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Like `Monday 6 May 2030, 09:00 to 09:30 (Europe/Berlin, UTC+02:00)`."""
    begins, ends = start.astimezone(zone), end.astimezone(zone)
    until = f"{ends:%H:%M}" if ends.date() == begins.date() else f"{_day(ends)}, {ends:%H:%M}"
    return f"{_day(begins)}, {begins:%H:%M} to {until} ({zone.key}, {_offset(begins)})"


def one_line(text: str) -> str:
    """Without line breaks of any kind and without what cannot be seen: fit for a header."""
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())


def _day(moment: datetime) -> str:
    return f"{moment:%A} {moment.day} {moment:%B %Y}"


def _offset(moment: datetime) -> str:
    sign_hours_minutes = f"{moment:%z}"
    return f"UTC{sign_hours_minutes[:3]}:{sign_hours_minutes[3:5]}"
