"""Free times of a day on the business's clock, and the day that a link or form asks for."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.scheduling import models as m
from monolith.web.page_context import PageContext

_FARTHEST = timedelta(days=2 * 366)


def local_today(page: PageContext) -> date:
    return datetime.now(ZoneInfo(page.business.zone)).date()


def requested_day(text: str | None, today: date) -> date | None:
    """From today until the farthest; None when none was asked for."""
    try:
        asked = date.fromisoformat(text) if text else None
    except ValueError:
        asked = None
    return asked and min(max(asked, today), today + _FARTHEST)


def day_window(page: PageContext, day: date, days: int = 1) -> tuple[datetime, datetime]:
    """Some days on the business's clock, beginning with `day`."""
    zone = ZoneInfo(page.business.zone)
    start, end = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=days)))
    return start.astimezone(UTC), end.astimezone(UTC)


def free_slots(
    page: PageContext,
    offering: m.Offering,
    day: date,
    *,
    days: int = 1,
    provider_id: UUID | None = None,
    duration_minutes: int | None = None,
    seats: int = 1,
) -> tuple[m.Slot, ...]:
    """By start, then provider."""
    start, end = day_window(page, day, days)
    wanted = m.SearchSlots(
        offering_id=offering.offering_id,
        start=start,
        end=end,
        provider_id=provider_id,
        duration_minutes=duration_minutes,
        seats=seats,
    )
    return page.port.search_slots(page.call_context(), wanted).slots
