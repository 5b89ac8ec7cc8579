"""The texts of mails. Returns unescaped text; `mail.py` escapes it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.scheduling.events import AnyEvent, AppointmentRescheduled
from monolith.modules.notifications.model import FOR_THE_BUSINESS, Kind


@dataclass(frozen=True, slots=True)
class MailText:
    """The text of a mail. `facts` are pairs of label and value."""

    subject: str
    greeting: str
    opening: str
    facts: tuple[tuple[str, str], ...]
    closing: str


@dataclass(frozen=True, slots=True)
class LetterText:
    """The text of a mail of another module. A link is a paragraph of its own."""

    name: str
    subject: str
    paragraphs: tuple[str, ...]

    @property
    def greeting(self) -> str:
        name = one_line(self.name)
        return f"Hello {name}," if name else "Hello,"


_SUBJECTS: dict[Kind, str] = {
    "confirmation": "Booked: {what}, {starts}",
    "change": "Moved: {what}, now {starts}",
    "cancellation": "Cancelled: {what}, {starts}",
    "reminder": "Reminder: {what}, {starts}",
    "request": "Request received: {what}, {starts}",
    "decline": "Request declined: {what}, {starts}",
    "offer": "Available: {what}, {starts}",
    "no_show": "Missed appointment: {what}, {starts}",
    "business_booking": "Booking received: {what}, {starts}",
    "business_request": "Awaiting approval: {what}, {starts}",
    "business_change": "Moved: {what}, now {starts}",
    "business_cancellation": "Cancelled: {what}, {starts}",
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
    "business_booking": "An appointment has been booked.",
    "business_request": "A customer requests an appointment. Its time is reserved until you approve or decline it.",
    "business_change": "An appointment has been moved.",
    "business_cancellation": "An appointment has been cancelled.",
}
_CLOSINGS: dict[Kind, str] = {
    "offer": "To accept it, open {url} and confirm it in time; otherwise it is offered to the next "
    "customer on the waiting list.",
}
_SERIES_OPENING = "Your {count} appointments at {business} are booked."
_BUSINESS_SERIES_OPENING = "{count} appointments have been booked."
_CLOSING = "View, move or cancel it: {url}"
_CLOSING_OF_THE_PAST = "View it: {url}"
_OVER: frozenset[Kind] = frozenset({"cancellation", "decline", "no_show"})
_BUSINESS_CLOSING = "Open it in the back office: {url}"


def mail_text(
    kind: Kind, events: Sequence[AnyEvent], name: str, url: str, customer: str | None = None, place: str = ""
) -> MailText:
    """Return the text of a mail. Every part is one line. Times are in the appointment's zone and name it.

    Several events are the bookings of a series: the subject names the first, and the facts list them all. A mail to the
    business names the `customer`. `url` is the page of the appointment, `place` where it takes place.
    """
    event = events[0]
    zone = ZoneInfo(event.appointment.zone)
    values = {
        "what": one_line(event.appointment.offering_name),
        "business": one_line(event.business_name),
        "starts": local(event.appointment.starts_at, zone),
        "url": url,
    }
    opening = _OPENINGS[kind].format_map(values)
    if kind == "change" and event.appointment.status == "pending":
        opening += " It is still awaiting approval."
    subject = _SUBJECTS[kind].format_map(values)
    if len(events) > 1:
        series = _BUSINESS_SERIES_OPENING if kind in FOR_THE_BUSINESS else _SERIES_OPENING
        opening = series.format_map({**values, "count": len(events)})
        subject += f" and {len(events) - 1} more"
    return MailText(
        subject=subject,
        greeting=f"Hello {one_line(name)},",
        opening=opening,
        facts=((("Customer", one_line(customer)),) if customer else ()) + _facts(kind, events, zone, place),
        closing=_closing(kind).format_map(values),
    )


def _closing(kind: Kind) -> str:
    if kind in FOR_THE_BUSINESS:
        return _BUSINESS_CLOSING
    return _CLOSING_OF_THE_PAST if kind in _OVER else _CLOSINGS.get(kind, _CLOSING)


def _facts(kind: Kind, events: Sequence[AnyEvent], zone: ZoneInfo, place: str) -> tuple[tuple[str, str], ...]:
    event, appointment = events[0], events[0].appointment
    facts = [
        ("Service", appointment.offering_name),
        ("With", appointment.provider_name),
        *(("When", interval(each.appointment.starts_at, each.appointment.ends_at, zone)) for each in events),
        *([("Where", place)] if place and kind not in FOR_THE_BUSINESS else []),
        *_additional_facts(kind, event, zone),
    ]
    return tuple((label, one_line(value)) for label, value in facts)


def _additional_facts(kind: Kind, event: AnyEvent, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    appointment = event.appointment
    if appointment.seats > 1:
        yield "Seats", str(appointment.seats)
    if kind == "offer" and appointment.hold_expires_at is not None:
        yield "Held until", local(appointment.hold_expires_at, zone)
    if kind in ("change", "business_change") and isinstance(event, AppointmentRescheduled):
        yield "Previously", local(event.previous_starts_at, zone)
    if fee := _fee_percent(kind, event):
        yield "Fee", f"{fee}% of the price"
    if kind in ("cancellation", "decline", "business_cancellation"):
        if appointment.cancel_reason:
            yield "Reason", appointment.cancel_reason
    elif appointment.note:
        yield "Note", appointment.note


def _fee_percent(kind: Kind, event: AnyEvent) -> int:
    if kind == "change" and isinstance(event, AppointmentRescheduled):
        return event.fee_percent
    return event.appointment.fee_percent if kind in ("cancellation", "no_show") else 0


def local(moment: datetime, zone: ZoneInfo) -> str:
    """Format a local time like `Monday 6 May 2030, 09:00 (Europe/Berlin)`."""
    return f"{_day(moment.astimezone(zone))}, {moment.astimezone(zone):%H:%M} ({zone.key})"


def interval(start: datetime, end: datetime, zone: ZoneInfo) -> str:
    """Format an interval like `Monday 6 May 2030, 09:00 to 09:30 (Europe/Berlin, UTC+02:00)`."""
    local_start, local_end = start.astimezone(zone), end.astimezone(zone)
    until = f"{local_end:%H:%M}" if local_end.date() == local_start.date() else f"{_day(local_end)}, {local_end:%H:%M}"
    return f"{_day(local_start)}, {local_start:%H:%M} to {until} ({zone.key}, {_offset(local_start)})"


def one_line(text: str) -> str:
    """Replace line breaks by spaces and remove unprintable characters, so that the text is safe in a header."""
    visible = "".join(letter for letter in text if letter.isprintable() or letter.isspace())
    return " ".join(visible.split())


def _day(moment: datetime) -> str:
    return f"{moment:%A} {moment.day} {moment:%B %Y}"


def _offset(moment: datetime) -> str:
    sign_hours_minutes = f"{moment:%z}"
    return f"UTC{sign_hours_minutes[:3]}:{sign_hours_minutes[3:5]}"
