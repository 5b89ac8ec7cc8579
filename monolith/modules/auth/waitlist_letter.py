"""The mail that confirms a place on the waiting list of a business."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct, convert, to_builtins

from monolith.shared.localization import SOURCE, Language, formats, texts


class WaitingCustomer(Struct, frozen=True, kw_only=True):
    """A customer's entry on the waitlist for a service, between two instants. `zone` is that of the business."""

    customer_id: UUID
    entry_id: UUID
    service: str
    start: datetime
    end: datetime
    zone: str

    def stored(self) -> dict[str, Any]:
        """Return the content of the queued mail."""
        content: dict[str, Any] = to_builtins(self)
        return content

    @classmethod
    def read(cls, content: dict[str, Any]) -> "WaitingCustomer":
        """Return what `stored` has stored."""
        return convert(content, cls)


class WaitlistText(NamedTuple):
    subject: str
    paragraphs: tuple[str, ...]


def waitlist_text(waiting: WaitingCustomer, business: str, url: str, language: Language = SOURCE) -> WaitlistText:
    """Return the text of the mail. `url` is the page on which the customer can leave the waiting list."""
    _ = texts(language).gettext
    values = {"service": waiting.service, "business": business}
    return WaitlistText(
        _("On the waiting list: {service}").format_map(values),
        (
            _("You are on the waiting list of {business}.").format_map(values),
            _("Service: {service}").format_map(values),
            _("When: {days} ({zone})").format(days=_days(waiting, language), zone=waiting.zone),
            _("If a time becomes free, we hold it for you for half an hour and send you an e-mail."),
            _("See your place, or leave the waiting list:"),
            url,
        ),
    )


def _days(waiting: WaitingCustomer, language: Language) -> str:
    """Return the local days of the interval, like `Monday 6 May 2030 to Sunday 12 May 2030`."""
    zone = ZoneInfo(waiting.zone)
    first = waiting.start.astimezone(zone).date()
    last = (waiting.end.astimezone(zone) - timedelta(microseconds=1)).date()
    begins, ends = (formats.long_full_day(each, language) for each in (first, last))
    return begins if first == last else texts(language).gettext("{first} to {last}").format(first=begins, last=ends)
