"""The mail that confirms a place on the waiting list of a business."""

from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct, convert, to_builtins


class WaitingCustomer(Struct, frozen=True, kw_only=True):
    """A customer who waits for a service between two instants. `zone` is that of the business."""

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


def waitlist_text(waiting: WaitingCustomer, business: str, url: str) -> WaitlistText:
    """Return the text of the mail. `url` is the page on which the customer can leave the waiting list."""
    return WaitlistText(
        f"On the waiting list: {waiting.service}",
        (
            f"You are on the waiting list of {business}.",
            f"Service: {waiting.service}",
            f"When: {_days(waiting)} ({waiting.zone})",
            "If a time becomes free, we hold it for you for half an hour and send you an e-mail.",
            "See your place, or leave the waiting list:",
            url,
        ),
    )


def _days(waiting: WaitingCustomer) -> str:
    """Return the local days of the interval, like `Monday 6 May 2030 to Sunday 12 May 2030`."""
    zone = ZoneInfo(waiting.zone)
    first = waiting.start.astimezone(zone).date()
    last = (waiting.end.astimezone(zone) - timedelta(microseconds=1)).date()
    return _day(first) if first == last else f"{_day(first)} to {_day(last)}"


def _day(of: date) -> str:
    return f"{of:%A} {of.day} {of:%B %Y}"
