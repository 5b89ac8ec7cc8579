"""Free times of a day on the business's clock, and the day that a link or form asks for."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.scheduling import models as m
from monolith.web.visiting import Visit

_FARTHEST = timedelta(days=2 * 366)


def today_at(visit: Visit) -> date:
    return datetime.now(ZoneInfo(visit.business.zone)).date()


def day_asked(text: str | None, today: date) -> date | None:
    """From today until the farthest; None when none was asked for."""
    try:
        asked = date.fromisoformat(text) if text else None
    except ValueError:
        asked = None
    return asked and min(max(asked, today), today + _FARTHEST)


def window(visit: Visit, day: date, days: int = 1) -> tuple[datetime, datetime]:
    """Some days on the business's clock, beginning with `day`."""
    zone = ZoneInfo(visit.business.zone)
    start, end = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=days)))
    return start.astimezone(UTC), end.astimezone(UTC)


def free_slots(
    visit: Visit,
    offering: m.Offering,
    day: date,
    *,
    days: int = 1,
    provider_id: UUID | None = None,
    duration_minutes: int | None = None,
    seats: int = 1,
) -> tuple[m.Slot, ...]:
    """By start, then provider."""
    start, end = window(visit, day, days)
    wanted = m.SearchSlots(
        offering_id=offering.offering_id,
        start=start,
        end=end,
        provider_id=provider_id,
        duration_minutes=duration_minutes,
        seats=seats,
    )
    return visit.port.search_slots(visit.context(), wanted).slots
