"""Times and amounts of money as pages show them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from monolith.web.formatting import money, period

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize("month, day, shown", [(1, 1, "Tue 1 Jan 2030"), (3, 31, "Sun 31 Mar 2030")])
def test_whole_local_day_is_shown_as_a_date(month: int, day: int, shown: str) -> None:
    """The second day has 23 hours."""
    start = datetime(2030, month, day, tzinfo=PARIS)
    end = datetime.fromordinal(start.toordinal() + 1).replace(tzinfo=PARIS)
    assert period(start.astimezone(UTC), end.astimezone(UTC), "Europe/Paris") == shown


def test_other_intervals_are_shown_with_both_moments() -> None:
    start, end = datetime(2030, 1, 1, tzinfo=UTC), datetime(2030, 1, 2, tzinfo=UTC)
    assert period(start, end, "Europe/Paris") == "Tue 1 Jan 2030, 01:00 to Wed 2 Jan 2030, 01:00"


@pytest.mark.parametrize("currency, shown", [("EUR", "12.34 EUR"), ("JPY", "1234 JPY"), ("KWD", "1.234 KWD")])
def test_amount_has_the_decimals_of_its_currency(currency: str, shown: str) -> None:
    assert money(1234, currency) == shown
