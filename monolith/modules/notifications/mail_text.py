"""The texts of mails. Returns unescaped text; `mail.py` escapes it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from contracts.scheduling.events import AnyEvent, AppointmentRescheduled
from monolith.modules.notifications.model import FOR_THE_BUSINESS, Kind
from monolith.shared.localization import N_, SOURCE, Language, formats, texts


@dataclass(frozen=True, slots=True)
class MailText:
    """The text of a mail in its `language`. `facts` are pairs of label and value."""

    subject: str
    greeting: str
    opening: str
    facts: tuple[tuple[str, str], ...]
    closing: str
    language: Language = SOURCE


@dataclass(frozen=True, slots=True)
class LetterText:
    """The text of a mail of another module. A link is a paragraph of its own."""

    name: str
    subject: str
    paragraphs: tuple[str, ...]
    language: Language = SOURCE

    @property
    def greeting(self) -> str:
        return _greeting(self.name, self.language)


_SUBJECTS: dict[Kind, str] = {
    "confirmation": N_("Booked: {what}, {starts}"),
    "change": N_("Moved: {what}, now {starts}"),
    "cancellation": N_("Cancelled: {what}, {starts}"),
    "reminder": N_("Reminder: {what}, {starts}"),
    "request": N_("Request received: {what}, {starts}"),
    "decline": N_("Request declined: {what}, {starts}"),
    "offer": N_("Available: {what}, {starts}"),
    "no_show": N_("Missed appointment: {what}, {starts}"),
    "business_booking": N_("Booking received: {what}, {starts}"),
    "business_request": N_("Awaiting approval: {what}, {starts}"),
    "business_change": N_("Moved: {what}, now {starts}"),
    "business_cancellation": N_("Cancelled: {what}, {starts}"),
}
_OPENINGS: dict[Kind, str] = {
    "confirmation": N_("Your appointment at {business} is booked."),
    "change": N_("Your appointment at {business} has been moved."),
    "cancellation": N_("Your appointment at {business} has been cancelled."),
    "reminder": N_("This is a reminder of your appointment at {business}."),
    "request": N_(
        "{business} has received your request. The time is reserved for you until they approve or decline it."
    ),
    "decline": N_("{business} cannot accept your request. You are welcome to choose another time."),
    "offer": N_(
        "A slot you were waiting for at {business} is available. It is held for you until the time shown below."
    ),
    "no_show": N_("You missed your appointment at {business}. A fee is due."),
    "business_booking": N_("An appointment has been booked."),
    "business_request": N_("A customer requests an appointment. Its time is reserved until you approve or decline it."),
    "business_change": N_("An appointment has been moved."),
    "business_cancellation": N_("An appointment has been cancelled."),
}
_CLOSINGS: dict[Kind, str] = {
    "offer": N_(
        "To accept it, open {url} and confirm it in time; otherwise it is offered to the next customer on the waiting "
        "list."
    ),
}
_SERIES_OPENINGS: dict[Kind, str] = {
    "confirmation": N_("Your {count} appointments at {business} are booked."),
    "change": N_("{count} of your appointments at {business} have been moved."),
    "cancellation": N_("{count} of your appointments at {business} have been cancelled."),
    "request": N_(
        "{business} has received your request for {count} appointments. Their times are reserved for you until they "
        "approve or decline them."
    ),
    "business_booking": N_("{count} appointments have been booked."),
    "business_request": N_(
        "A customer requests {count} appointments. Their times are reserved until you approve or decline them."
    ),
    "business_change": N_("{count} appointments have been moved."),
    "business_cancellation": N_("{count} appointments have been cancelled."),
}
_CLOSING = N_("View, move or cancel it: {url}")
_CLOSING_OF_THE_PAST = N_("View it: {url}")
_OVER: frozenset[Kind] = frozenset({"cancellation", "decline", "no_show"})
_BUSINESS_CLOSING = N_("Open it in the back office: {url}")


def mail_text(
    kind: Kind,
    events: Sequence[AnyEvent],
    name: str,
    url: str,
    customer: str | None = None,
    place: str = "",
    language: Language = SOURCE,
) -> MailText:
    """Return the text of a mail. Every part is one line. Times are in the appointment's zone and name it.

    Several events are those of a series: the subject names the first, and the facts list them all. A mail to the
    business names the `customer`. `url` is the page of the appointment, `place` where it takes place.
    """
    _ = texts(language).gettext
    event = events[0]
    zone = ZoneInfo(event.appointment.zone)
    values = {
        "what": one_line(event.appointment.offering_name),
        "business": one_line(event.business_name),
        "starts": local(event.appointment.starts_at, zone, language),
        "url": url,
    }
    opening = _(_OPENINGS[kind]).format_map(values)
    if kind == "change" and event.appointment.status == "pending":
        opening += " " + _("It is still awaiting approval.")
    subject = _(_SUBJECTS[kind]).format_map(values)
    if len(events) > 1:
        opening = _(_SERIES_OPENINGS[kind]).format_map({**values, "count": len(events)})
        subject = _("{subject} and {number} more").format(subject=subject, number=len(events) - 1)
    about_customer = ((_("Customer"), one_line(customer)),) if customer else ()
    return MailText(
        subject=subject,
        greeting=_greeting(name, language),
        opening=opening,
        facts=about_customer + _facts(kind, events, zone, place, language),
        closing=_(_closing(kind)).format_map(values),
        language=language,
    )


def _greeting(name: str, language: Language) -> str:
    greeted, _ = one_line(name), texts(language).gettext
    return _("Hello {name},").format(name=greeted) if greeted else _("Hello,")


def _closing(kind: Kind) -> str:
    if kind in FOR_THE_BUSINESS:
        return _BUSINESS_CLOSING
    return _CLOSING_OF_THE_PAST if kind in _OVER else _CLOSINGS.get(kind, _CLOSING)


def _facts(
    kind: Kind, events: Sequence[AnyEvent], zone: ZoneInfo, place: str, language: Language
) -> tuple[tuple[str, str], ...]:
    _ = texts(language).gettext
    event, appointment = events[0], events[0].appointment
    when = _("When")
    facts = [
        (_("Service"), appointment.offering_name),
        (_("With"), appointment.provider_name),
        *((when, interval(each.appointment.starts_at, each.appointment.ends_at, zone, language)) for each in events),
        *([(_("Where"), place)] if place and kind not in FOR_THE_BUSINESS else []),
        *(_previously(kind, event, zone, language) if len(events) == 1 else ()),
        *_additional_facts(kind, event, zone, language),
    ]
    return tuple((label, one_line(value)) for label, value in facts)


def _previously(kind: Kind, event: AnyEvent, zone: ZoneInfo, language: Language) -> Iterator[tuple[str, str]]:
    if kind in ("change", "business_change") and isinstance(event, AppointmentRescheduled):
        yield texts(language).gettext("Previously"), local(event.previous_starts_at, zone, language)


def _additional_facts(kind: Kind, event: AnyEvent, zone: ZoneInfo, language: Language) -> Iterator[tuple[str, str]]:
    _ = texts(language).gettext
    appointment = event.appointment
    if appointment.seats > 1:
        yield _("Seats") if kind in FOR_THE_BUSINESS else _("People"), str(appointment.seats)
    if kind == "offer" and appointment.hold_expires_at is not None:
        yield _("Held until"), local(appointment.hold_expires_at, zone, language)
    if fee := _fee_percent(kind, event):
        yield _("Fee"), _("{percent} of the price").format(percent=formats.percent(fee, language))
    if kind in ("cancellation", "decline", "business_cancellation"):
        if appointment.cancel_reason:
            yield _("Reason"), appointment.cancel_reason
    elif appointment.note:
        yield _("Note"), appointment.note


def _fee_percent(kind: Kind, event: AnyEvent) -> int:
    if kind == "change" and isinstance(event, AppointmentRescheduled):
        return event.fee_percent
    return event.appointment.fee_percent if kind in ("cancellation", "no_show") else 0


def local(at: datetime, zone: ZoneInfo, language: Language = SOURCE) -> str:
    """Format a local time like `Monday 6 May 2030, 09:00 (Europe/Berlin)`."""
    return f"{formats.long_moment(at.astimezone(zone), language)} ({zone.key})"


def interval(start: datetime, end: datetime, zone: ZoneInfo, language: Language = SOURCE) -> str:
    """Format an interval like `Monday 6 May 2030, 09:00 to 09:30 (Europe/Berlin, UTC+02:00)`.

    If a clock change lies within it, each time has its offset.
    """
    local_start, local_end = start.astimezone(zone), end.astimezone(zone)
    if local_start.date() == local_end.date():
        day = formats.long_full_day(local_start.date(), language)
        begins = f"{day}, {formats.time_of_day(local_start, language)}"
        ends = formats.time_in_sentence(local_end, language)
    else:
        begins, ends = (formats.long_moment(each, language) for each in (local_start, local_end))
    offset, end_offset = _offset(local_start), _offset(local_end)
    if offset == end_offset:
        text = texts(language).gettext("{start} to {end} ({zone}, {offset})")
    else:
        text = texts(language).gettext("{start} ({offset}) to {end} ({end_offset}), {zone}")
    return text.format(start=begins, end=ends, zone=zone.key, offset=offset, end_offset=end_offset)


def one_line(text: str) -> str:
    """Replace line breaks by spaces and remove unprintable characters, so that the text is safe in a header."""
    visible = "".join(letter for letter in text if letter.isprintable() or letter.isspace())
    return " ".join(visible.split())


def _offset(moment: datetime) -> str:
    sign_hours_minutes = f"{moment:%z}"
    return f"UTC{sign_hours_minutes[:3]}:{sign_hours_minutes[3:5]}"
