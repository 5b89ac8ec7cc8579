"""Format times and amounts of money for pages."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
# ISO 4217 currencies whose minor unit is not 1/100.
_EXPONENTS = dict.fromkeys(_NO_DECIMALS.split(), 0) | dict.fromkeys(_THREE_DECIMALS.split(), 3)


def clock(moment: datetime, zone: str) -> str:
    """Format a local time like `09:30`, or like `02:30 CET` in an hour that a clock change repeats."""
    local = moment.astimezone(ZoneInfo(zone))
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return local.strftime("%H:%M %Z" if twice else "%H:%M")


def moment(at: datetime, zone: str) -> str:
    """Format a local date and time like `Tue 1 Jan 2030, 09:30`."""
    return f"{_full_date(at.astimezone(ZoneInfo(zone)).date())}, {clock(at, zone)}"


def local(at: datetime, zone: str) -> datetime:
    """Return the time in a zone."""
    return at.astimezone(ZoneInfo(zone))


def period(start: datetime, end: datetime, zone: str) -> str:
    """Format a whole local day like `Tue 1 Jan 2030`, any other interval by its first and last moment."""
    first, last = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    if first.time() == last.time() == time() and last.date() - first.date() == timedelta(days=1):
        return _full_date(first.date())
    return f"{moment(start, zone)} to {moment(end, zone)}"


def day(of: date) -> str:
    """Format a date like `Tue 1 Jan`."""
    return f"{of:%a} {of.day} {of:%b}"


def long_day(of: date) -> str:
    """Format a date like `Tuesday 1 January`."""
    return f"{of:%A} {of.day} {of:%B}"


def offset(at: datetime, zone: str) -> str:
    """Format the offset of a zone at some time like `UTC+01:00`."""
    hours = f"{at.astimezone(ZoneInfo(zone)):%z}"
    return f"UTC{hours[:3]}:{hours[3:5]}"


def _full_date(of: date) -> str:
    return f"{day(of)} {of.year}"


def money(minor: int, currency: str) -> str:
    """Format an amount in minor units like `25.00 EUR`."""
    exponent = _EXPONENTS.get(currency, 2)
    return f"{Decimal(minor).scaleb(-exponent):.{exponent}f} {currency}"


def program(user_agent: str) -> str:
    """Name the browser and the system of a User-Agent like `Firefox on Windows`, or its first word."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), user_agent.split("/")[0][:40])
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return f"{browser or 'Unknown program'} on {system}" if system else browser or "Unknown program"


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


def minor_units(amount: Decimal, currency: str) -> int:
    """Return an amount in minor units. Raises ValueError for more decimals than the currency has."""
    minor = amount.scaleb(_EXPONENTS.get(currency, 2))
    if not minor.is_finite() or minor != minor.to_integral_value():
        raise ValueError(f"{currency} has fewer decimals")
    return int(minor)


FILTERS: dict[str, Callable[..., object]] = {
    "clock": clock,
    "moment": moment,
    "local": local,
    "period": period,
    "day": day,
    "long_day": long_day,
    "offset": offset,
    "money": money,
    "program": program,
}
