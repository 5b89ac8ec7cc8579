"""Free slots of a local day, and the day that a link or form selects."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.scheduling import models as m
from monolith.web.page_context import PageContext

_HORIZON = timedelta(days=2 * 366)


def local_today(page: PageContext) -> date:
    return datetime.now(ZoneInfo(page.business.zone)).date()


def requested_day(text: str | None, today: date) -> date | None:
    """Parse a day and clamp it to between today and two years ahead; None if it is missing or malformed."""
    try:
        parsed = date.fromisoformat(text) if text else None
    except ValueError:
        parsed = None
    return parsed and min(max(parsed, today), today + _HORIZON)


def day_window(page: PageContext, day: date, days: int = 1) -> tuple[datetime, datetime]:
    """Return, in UTC, the interval of `days` local days that starts with `day`."""
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
    """Return the free slots, sorted by start, then provider."""
    start, end = day_window(page, day, days)
    query = m.SearchSlots(
        offering_id=offering.offering_id,
        start=start,
        end=end,
        provider_id=provider_id,
        duration_minutes=duration_minutes,
        seats=seats,
    )
    return page.port.search_slots(page.call_context(), query).slots
