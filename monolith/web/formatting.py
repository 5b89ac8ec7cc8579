"""Format times and amounts of money for pages, in their language, and name programs."""

from collections.abc import Callable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from monolith.shared.localization import formats
from monolith.web.language import gettext, language


def clock(at: datetime, zone: str) -> str:
    """Format a local time like `09:30`, or like `02:30 CET` in an hour that a clock change repeats."""
    return formats.clock(at, zone, language())


def oclock(at: datetime, zone: str) -> str:
    """Format a local time as part of a sentence."""
    return formats.oclock(at, zone, language())


def moment(at: datetime, zone: str) -> str:
    """Format a local date and time like `Tue 1 Jan 2030, 09:30`."""
    return formats.moment(at, zone, language())


def local(at: datetime, zone: str) -> datetime:
    """Return the time in a zone."""
    return at.astimezone(ZoneInfo(zone))


def period(start: datetime, end: datetime, zone: str) -> str:
    """Format whole local days like `Tue 1 Jan 2030 to Thu 3 Jan 2030`, other intervals by their first and last moment.

    An interval within a day names it once: `Tue 1 Jan 2030, 09:00 to 12:00`.
    """
    if days := formats.whole_days(start, end, zone):
        first, last = (full_day(each) for each in days)
        return first if first == last else gettext("%(start)s to %(end)s", start=first, end=last)
    if local(start, zone).date() == local(end, zone).date():
        return gettext("%(start)s to %(end)s", start=moment(start, zone), end=oclock(end, zone))
    return gettext("%(start)s to %(end)s", start=moment(start, zone), end=moment(end, zone))


def day(of: date) -> str:
    """Format a date like `Tue 1 Jan`."""
    return formats.day(of, language())


def long_day(of: date) -> str:
    """Format a date like `Tuesday 1 January`."""
    return formats.long_day(of, language())


def full_day(of: date) -> str:
    """Format a date like `Tue 1 Jan 2030`."""
    return formats.full_day(of, language())


def month(of: date) -> str:
    """Format the month of a date like `January 2030`."""
    return formats.month(of, language())


def offset(at: datetime, zone: str) -> str:
    """Format the offset of a zone at some time like `UTC+01:00`."""
    hours = f"{at.astimezone(ZoneInfo(zone)):%z}"
    return f"UTC{hours[:3]}:{hours[3:5]}"


def money(minor: int, currency: str) -> str:
    """Format an amount in minor units like `25.00 EUR`."""
    return formats.money(minor, currency, language())


def amount(minor: int, currency: str) -> str:
    """Format an amount for a field of a form, like `25.00`."""
    return formats.plain_amount(minor, currency, language())


def percent(number: int) -> str:
    """Format a percentage like `50%`."""
    return formats.percent(number, language())


def program(user_agent: str) -> str:
    """Name the browser and the system of a User-Agent like `Firefox on Windows`, or its first word."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), user_agent.split("/")[0][:40])
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    named = browser or gettext("Unknown program")
    return gettext("%(browser)s on %(system)s", browser=named, system=system) if system else named


# In this order, because browsers also name others that they resemble.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


FILTERS: dict[str, Callable[..., object]] = {
    "clock": clock,
    "oclock": oclock,
    "moment": moment,
    "local": local,
    "period": period,
    "day": day,
    "long_day": long_day,
    "full_day": full_day,
    "month": month,
    "offset": offset,
    "money": money,
    "amount": amount,
    "percent": percent,
    "program": program,
}
