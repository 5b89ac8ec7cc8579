"""Whether days without free times are full, or whether they are closed or over."""

from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from contracts.scheduling import models as m
from monolith.web.free_times import day_window, local_today
from monolith.web.page_context import PageContext


def may_become_free(
    page: PageContext, offering: m.Offering, providers: Collection[m.Provider], days: Iterable[date]
) -> bool:
    """Return whether on one of these days a provider regularly works, late enough for a start that can be booked.

    Weekly hours, dated schedules and holidays count. Date overrides and blocked time do not: they are not public.
    """
    today = local_today(page)
    possible = [day for day in days if _in_booking_window(offering.window, day, today)]
    if not possible:
        return False
    holidays = {each.date for each in page.port.list_holidays(page.call_context(), m.ListHolidays()).holidays}
    earliest = datetime.now(UTC) + timedelta(minutes=offering.min_notice_minutes)
    duration = timedelta(minutes=offering.duration_minutes)
    for day in possible:
        opens, closes = day_window(page, day)
        ranges = (each for provider in providers for each in _working_ranges(provider, day, holidays))
        if any(start < closes and end - duration >= max(opens, earliest) for start, end in ranges):
            return True
    return False


def _in_booking_window(window: m.BookingWindow, day: date, today: date) -> bool:
    if window.first is not None and window.last is not None:
        return window.first <= day <= window.last
    return window.kind != "rolling_days" or window.days is None or day <= today + timedelta(days=window.days)


def _working_ranges(provider: m.Provider, day: date, holidays: Collection[date]) -> Iterator[tuple[datetime, datetime]]:
    """Return the working ranges, in UTC, that may overlap this day of the business, whose zone may be another."""
    zone = ZoneInfo(provider.zone)
    for local in (day - timedelta(days=1), day, day + timedelta(days=1)):
        midnight = datetime.combine(local, time(), zone)
        for each in () if local in holidays else weekly_hours_on(provider, local):
            if each.weekday == local.isoweekday():
                first, last = m.DayRange(opens=each.opens, closes=each.closes).minutes()
                start, end = (midnight + timedelta(minutes=minutes) for minutes in (first, last))
                yield start.astimezone(UTC), end.astimezone(UTC)


def weekly_hours_on(provider: m.Provider, day: date) -> tuple[m.WorkingRange, ...]:
    """Return the hours of the dated schedule that started last, or else the regular ones."""
    dated = [
        each
        for each in provider.schedules
        if each.effective_from <= day and (each.effective_until is None or day <= each.effective_until)
    ]
    return max(dated, key=lambda each: each.effective_from).ranges if dated else provider.weekly_hours
