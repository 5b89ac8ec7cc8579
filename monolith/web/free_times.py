"""Free slots of a local day, and the day that a link or form selects."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.scheduling import models as m
from monolith.shared.localization import N_
from monolith.web.language import gettext
from monolith.web.page_context import PageContext

_HORIZON = timedelta(days=2 * 366)
_TOO_FAR = N_("Bookings are possible up to two years ahead, so this page shows the last such day.")


def local_today(page: PageContext) -> date:
    return datetime.now(ZoneInfo(page.business.zone)).date()


def requested_day(text: str | None, today: date) -> tuple[date | None, str | None]:
    """Return a day between today and two years ahead, and a message if it is not the day that was requested.

    The day is None if `text` is missing or malformed.
    """
    if not text:
        return None, None
    try:
        parsed = date.fromisoformat(text)
    except ValueError:
        return None, gettext("The requested day is not a date, so this page shows another day.")
    if parsed < today:
        return today, gettext("The requested day has passed, so this page shows today.")
    if parsed > today + _HORIZON:
        return today + _HORIZON, gettext(_TOO_FAR)
    return parsed, None


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


def free_slots_for(
    page: PageContext, offering: m.Offering, appointment: m.Appointment, day: date, provider_id: UUID
) -> tuple[m.Slot, ...]:
    """Return the free slots to which an appointment of this offering can be moved, with its length and seats.

    An appointment with several providers keeps them; for others, the slots are those of the provider.
    """
    minutes = int((appointment.ends_at - appointment.starts_at).total_seconds() // 60)
    return free_slots(
        page,
        offering,
        day,
        provider_id=None if appointment.provider_ids else provider_id,
        duration_minutes=minutes if minutes in offering.duration_choices_minutes else None,
        seats=appointment.seats,
    )


def labelled_starts(page: PageContext, slots: Iterable[m.Slot]) -> list[tuple[str, datetime]]:
    """Return each start once, in order, with its local time as HH:MM."""
    zone = ZoneInfo(page.business.zone)
    return [(f"{start.astimezone(zone):%H:%M}", start) for start in sorted({slot.starts_at for slot in slots})]
