"""Dates, times and amounts of money as a language writes them, with the names of CLDR.

Formatting by Babel takes some ten microseconds, and a page has dozens of days and times: everything is cached.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import NumberFormatError, format_currency, format_percent, parse_decimal

from monolith.shared.localization.languages import Language

_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
# ISO 4217 currencies whose minor unit is not 1/100. CLDR has the decimals of cash instead.
_EXPONENTS = dict.fromkeys(_NO_DECIMALS.split(), 0) | dict.fromkeys(_THREE_DECIMALS.split(), 3)


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The patterns of a language (Unicode TR 35). `oclock` surrounds a time within a sentence."""

    day: str
    long_day: str
    full_day: str
    long_full_day: str
    month: str
    time: str
    oclock: str
    money: str


# English is international here: a 24-hour clock, and currencies by their codes.
_PATTERNS: Final[dict[Language, _Patterns]] = {
    "en": _Patterns(
        day="EEE d MMM",
        long_day="EEEE d MMMM",
        full_day="EEE d MMM y",
        long_full_day="EEEE d MMMM y",
        month="MMMM y",
        time="HH:mm",
        oclock="{}",
        money="#,##0{} ¤¤",
    ),
    "de": _Patterns(
        day="EEE, d. MMM",
        long_day="EEEE, d. MMMM",
        full_day="EEE, d. MMM y",
        long_full_day="EEEE, d. MMMM y",
        month="MMMM y",
        time="HH:mm",
        oclock="{} Uhr",
        money="#,##0{}\N{NO-BREAK SPACE}¤",
    ),
}


def clock(at: datetime, zone: str, language: Language) -> str:
    """Format a local time like `09:30`, or like `02:30 CET` in an hour that a clock change repeats."""
    local = at.astimezone(ZoneInfo(zone))
    short = time_of_day(local, language)
    return f"{short} {_zone_name(local, language)}" if _occurs_twice(local) else short


def oclock(at: datetime, zone: str, language: Language) -> str:
    """Format a local time as part of a sentence: like `clock`, in German `09:30 Uhr`."""
    local = at.astimezone(ZoneInfo(zone))
    return clock(at, zone, language) if _occurs_twice(local) else time_in_sentence(local, language)


def moment(at: datetime, zone: str, language: Language) -> str:
    """Format a local date and time like `Tue 1 Jan 2030, 09:30`."""
    return f"{full_day(at.astimezone(ZoneInfo(zone)).date(), language)}, {oclock(at, zone, language)}"


def long_moment(local: datetime, language: Language) -> str:
    """Format a local date and time like `Tuesday 1 January 2030, 09:30`, always without the name of the zone."""
    return f"{long_full_day(local.date(), language)}, {time_in_sentence(local, language)}"


def time_of_day(local: datetime, language: Language) -> str:
    """Format the time of a local date and time like `09:30`."""
    return _time(local.hour, local.minute, language)


def time_in_sentence(local: datetime, language: Language) -> str:
    """Format the time of a local date and time like `09:30`, in German `09:30 Uhr`."""
    return _PATTERNS[language].oclock.format(_time(local.hour, local.minute, language))


def whole_days(start: datetime, end: datetime, zone: str) -> tuple[date, date] | None:
    """Return the first and the last of the local days that an interval covers; None for any other interval."""
    begins, ends = start.astimezone(ZoneInfo(zone)), end.astimezone(ZoneInfo(zone))
    covers = begins.time() == ends.time() == time() and begins.date() < ends.date()
    return (begins.date(), ends.date() - timedelta(days=1)) if covers else None


def day(of: date, language: Language) -> str:
    """Format a date like `Tue 1 Jan`."""
    return _date(of, _PATTERNS[language].day, language)


def long_day(of: date, language: Language) -> str:
    """Format a date like `Tuesday 1 January`."""
    return _date(of, _PATTERNS[language].long_day, language)


def full_day(of: date, language: Language) -> str:
    """Format a date like `Tue 1 Jan 2030`."""
    return _date(of, _PATTERNS[language].full_day, language)


def long_full_day(of: date, language: Language) -> str:
    """Format a date like `Tuesday 1 January 2030`."""
    return _date(of, _PATTERNS[language].long_full_day, language)


def month(of: date, language: Language) -> str:
    """Format the month of a date like `January 2030`."""
    return _date(of, _PATTERNS[language].month, language)


@cache
def weekdays(language: Language) -> tuple[str, ...]:
    """Return the names of the days of the week, Monday first."""
    names = Locale(language).days["stand-alone"]["wide"]
    return tuple(names[number] for number in range(7))


@cache
def short_weekdays(language: Language) -> tuple[str, ...]:
    """Return the short names of the days of the week, Monday first."""
    names = Locale(language).days["stand-alone"]["abbreviated"]
    return tuple(names[number] for number in range(7))


@lru_cache(maxsize=4096)
def money(minor: int, currency: str, language: Language) -> str:
    """Format an amount in minor units like `25.00 EUR`."""
    exponent = _EXPONENTS.get(currency, 2)
    pattern = _PATTERNS[language].money.format(f".{'0' * exponent}" if exponent else "")
    amount = Decimal(minor).scaleb(-exponent)
    return format_currency(amount, currency, pattern, locale=language, currency_digits=False)


@lru_cache(maxsize=512)
def percent(number: int, language: Language) -> str:
    """Format a percentage like `50%`, in German `50 %`."""
    return format_percent(Decimal(number) / 100, locale=language)


def plain_amount(minor: int, currency: str, language: Language) -> str:
    """Format an amount without its currency, as it is typed into a field: `25.00`, in German `25,00`."""
    exponent = _EXPONENTS.get(currency, 2)
    plain = f"{Decimal(minor).scaleb(-exponent):.{exponent}f}"
    return plain.replace(".", Locale(language).number_symbols["latn"]["decimal"])


def minor_units(amount: Decimal, currency: str) -> int:
    """Return an amount in minor units. Raises ValueError for more decimals than the currency has."""
    minor = amount.scaleb(_EXPONENTS.get(currency, 2))
    if not minor.is_finite() or minor != minor.to_integral_value():
        raise ValueError(f"{currency} has fewer decimals")
    return int(minor)


def amount_in(text: str, language: Language) -> Decimal:
    """Return a number as the language writes it; `25.00` and `25,00` count in every language. Raises ValueError.

    Separators of thousands must be where they belong, so that `1.5` is not 15 in German.
    """
    typed = text.strip()
    plain = _PLAIN.fullmatch(typed)
    if plain is not None:
        return Decimal(f"{plain[1]}.{plain[2] or 0}")
    if _NUMERIC.fullmatch(typed) is None:
        raise ValueError(f"not a number: {typed[:20]}")
    try:
        return parse_decimal(typed, locale=language, strict=True)
    except NumberFormatError as error:
        raise ValueError(f"not a number: {typed[:20]}") from error


_NUMERIC = re.compile(r"[-0-9.,\s]+")
# No language reads one or two digits after a separator as thousands.
_PLAIN = re.compile(r"([0-9]+)(?:[.,]([0-9]{1,2}))?")


@lru_cache(maxsize=8192)
def _date(of: date, pattern: str, language: Language) -> str:
    return format_date(of, pattern, locale=language)


@lru_cache(maxsize=4096)
def _time(hour: int, minute: int, language: Language) -> str:
    return format_time(time(hour, minute), _PATTERNS[language].time, locale=language)


def _zone_name(local: datetime, language: Language) -> str:
    named = "" if language == "en" else get_timezone_name(local, "short", locale=language)
    return named if named.isalpha() else f"{local:%Z}"


def _occurs_twice(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
