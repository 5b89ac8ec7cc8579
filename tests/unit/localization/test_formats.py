"""Dates, times and amounts of money in each language."""

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from monolith.shared.localization import LANGUAGES, Language, formats

PARIS = ZoneInfo("Europe/Paris")
START = datetime(2030, 3, 5, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize("month, day, days", [(1, 1, 1), (3, 31, 1), (3, 30, 3)])
def test_whole_local_days_are_recognized(month: int, day: int, days: int) -> None:
    """31 March has 23 hours."""
    start = datetime(2030, month, day, tzinfo=PARIS)
    end = datetime.fromordinal(start.toordinal() + days).replace(tzinfo=PARIS)
    last = date.fromordinal(start.toordinal() + days - 1)
    assert formats.whole_days(start.astimezone(UTC), end.astimezone(UTC), "Europe/Paris") == (start.date(), last)
    assert formats.whole_days(start.astimezone(UTC), end.astimezone(UTC), "UTC") is None
    assert formats.whole_days(start, start, "Europe/Paris") is None


@pytest.mark.parametrize(
    ("language", "short", "long", "day", "long_day", "month"),
    [
        ("en", "Tue 5 Mar 2030, 09:30", "Tuesday 5 March 2030, 09:30", "Tue 5 Mar", "Tuesday 5 March", "March 2030"),
        (
            "de",
            "Di., 5. März 2030, 09:30 Uhr",
            "Dienstag, 5. März 2030, 09:30 Uhr",
            "Di., 5. März",
            "Dienstag, 5. März",
            "März 2030",
        ),
    ],
)
def test_dates_and_times(language: Language, short: str, long: str, day: str, long_day: str, month: str) -> None:
    of = START.date()
    assert formats.moment(START, "Europe/Paris", language) == short
    assert formats.long_moment(START.astimezone(PARIS), language) == long
    assert (formats.day(of, language), formats.long_day(of, language)) == (day, long_day)
    assert formats.month(of, language) == month
    assert formats.clock(START, "Europe/Paris", language) == "09:30"


def test_an_hour_that_a_clock_change_repeats_names_its_zone() -> None:
    first, second = (datetime(2030, 10, 27, hour, 30, tzinfo=UTC) for hour in (0, 1))
    assert [formats.clock(each, "Europe/Berlin", "en") for each in (first, second)] == ["02:30 CEST", "02:30 CET"]
    assert [formats.oclock(each, "Europe/Berlin", "de") for each in (first, second)] == ["02:30 MESZ", "02:30 MEZ"]


def test_weekdays_begin_with_monday() -> None:
    assert formats.weekdays("de")[0] == "Montag"
    assert formats.short_weekdays("de") == ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So")
    assert formats.weekdays("en")[6] == "Sunday"


@pytest.mark.parametrize(
    ("currency", "english", "german"),
    [
        ("EUR", "1,234.56 EUR", "1.234,56\N{NO-BREAK SPACE}€"),
        ("JPY", "123,456 JPY", "123.456\N{NO-BREAK SPACE}¥"),
        ("KWD", "123.456 KWD", "123,456\N{NO-BREAK SPACE}KWD"),
    ],
)
def test_amount_has_the_decimals_of_its_currency(currency: str, english: str, german: str) -> None:
    assert formats.money(123456, currency, "en") == english
    assert formats.money(123456, currency, "de") == german


def test_percentage() -> None:
    assert (formats.percent(50, "en"), formats.percent(50, "de")) == ("50%", "50\N{NO-BREAK SPACE}%")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_amount_that_is_shown_in_a_field_can_be_sent_back(language: Language) -> None:
    for minor in (0, 5, 2500, 123456):
        typed = formats.plain_amount(minor, "EUR", language)
        assert formats.minor_units(formats.amount_in(typed, language), "EUR") == minor


@pytest.mark.parametrize(
    ("typed", "language", "amount"),
    [
        ("25.00", "en", "25.00"),
        ("25,00", "en", "25.00"),
        ("1,234.50", "en", "1234.50"),
        ("25,00", "de", "25.00"),
        ("25.00", "de", "25.00"),
        ("1.234,50", "de", "1234.50"),
        ("1.500", "de", "1500"),
        (" 7 ", "de", "7"),
    ],
)
def test_amount_is_read_as_the_language_writes_it(typed: str, language: Language, amount: str) -> None:
    assert formats.amount_in(typed, language) == Decimal(amount)


@pytest.mark.parametrize("typed", ["", "abc", "1,5,5", "1.23.4", "12.34,5.6", "NaN", "1e5"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_other_text_is_no_amount(typed: str, language: Language) -> None:
    with pytest.raises(ValueError, match="not a number"):
        formats.amount_in(typed, language)
