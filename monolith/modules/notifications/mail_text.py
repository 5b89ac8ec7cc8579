"""What a mail says. Plain text in; escaping and headers are the composer's."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.scheduling.events import AnyEvent, AppointmentRescheduled
from monolith.modules.notifications.model import Kind


@dataclass(frozen=True, slots=True)
class MailText:
    """`facts` are pairs of a label and a value."""

    subject: str
    greeting: str
    opening: str
    facts: tuple[tuple[str, str], ...]
    closing: str


_SUBJECTS: dict[Kind, str] = {
    "confirmation": "Booked: {what}, {starts}",
    "change": "Moved: {what}, now {starts}",
    "cancellation": "Cancelled: {what}, {starts}",
    "reminder": "Reminder: {what}, {starts}",
    "request": "Request received: {what}, {starts}",
    "decline": "Request declined: {what}, {starts}",
    "offer": "Available: {what}, {starts}",
    "no_show": "Missed appointment: {what}, {starts}",
}
_OPENINGS: dict[Kind, str] = {
    "confirmation": "Your appointment at {business} is booked.",
    "change": "Your appointment at {business} has been moved.",
    "cancellation": "Your appointment at {business} has been cancelled.",
    "reminder": "This is a reminder of your appointment at {business}.",
    "request": "{business} has received your request. The time is reserved for you until they approve or decline it.",
    "decline": "{business} cannot accept your request. You are welcome to choose another time.",
    "offer": "A slot you were waiting for at {business} is available. It is held for you until the time shown below.",
    "no_show": "You missed your appointment at {business}. A fee is due.",
}
_CLOSINGS: dict[Kind, str] = {
    "offer": "To accept it, sign in at {page_url}, open it in your appointments and confirm it in time; "
    "otherwise it is offered to the next customer on the waiting list.",
}
_CLOSING = "View your appointments: {page_url}"


def mail_text(kind: Kind, event: AnyEvent, name: str, page_url: str) -> MailText:
    """Every text is one line. Times are in the zone of the appointment, which they name."""
    zone = ZoneInfo(event.appointment.zone)
    said = {
        "what": one_line(event.appointment.offering_name),
        "business": one_line(event.business_name),
        "starts": local(event.appointment.starts_at, zone),
        "page_url": page_url,
    }
    opening = _OPENINGS[kind].format_map(said)
    awaits = " It is still awaiting approval." if kind == "change" and event.appointment.status == "pending" else ""
    return MailText(
        subject=_SUBJECTS[kind].format_map(said),
        greeting=f"Hello {one_line(name)},",
        opening=opening + awaits,
        facts=_facts(kind, event, zone),
        closing=_CLOSINGS.get(kind, _CLOSING).format_map(said),
    )


def _facts(kind: Kind, event: AnyEvent, zone: ZoneInfo) -> tuple[tuple[str, str], ...]:
    appointment = event.appointment
    facts = [
        ("Service", appointment.offering_name),
        ("With", appointment.provider_name),
        ("When", interval(appointment.starts_at, appointment.ends_at, zone)),
        *_further(kind, event, zone),
    ]
    return tuple((label, one_line(value)) for label, value in facts)


def _further(kind: Kind, event: AnyEvent, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    appointment = event.appointment
    if appointment.seats > 1:
        yield "Seats", str(appointment.seats)
    if kind == "offer" and appointment.hold_expires_at is not None:
        yield "Held until", local(appointment.hold_expires_at, zone)
    if kind == "change" and isinstance(event, AppointmentRescheduled):
        yield "Previously", local(event.previous_starts_at, zone)
    if fee := _fee_percent(kind, event):
        yield "Fee", f"{fee} % of the price"
    if kind in ("cancellation", "decline"):
        if appointment.cancel_reason:
            yield "Reason", appointment.cancel_reason
    elif appointment.note:
        yield "Note", appointment.note


def _fee_percent(kind: Kind, event: AnyEvent) -> int:
    if kind == "change" and isinstance(event, AppointmentRescheduled):
        return event.fee_percent
    return event.appointment.fee_percent if kind in ("cancellation", "no_show") else 0


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
