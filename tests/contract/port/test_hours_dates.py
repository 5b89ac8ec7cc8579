"""Date overrides of providers, and holidays of the business."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest, ProviderNotFound, SlotUnavailable
from tests.contract.port.adapters import Adapter
from tests.contract.port.samples import spoilt
from tests.contract.port.shop import MONDAY, Shop, at, hours, refused

TODAY = MONDAY.date()
TOMORROW, SATURDAY = TODAY + timedelta(days=1), TODAY + timedelta(days=5)


def on(shop: Shop, day: date, provider: m.Provider | None = None) -> list[int]:
    """Return the hours at which search lists a start of the provider on one UTC date."""
    midnight = MONDAY + (day - TODAY)
    whose = (provider or shop.provider).provider_id
    return [start.hour for start in shop.starts(midnight, midnight + timedelta(days=1), provider_id=whose)]


def overrides(shop: Shop, first: date = TODAY, last: date = SATURDAY) -> tuple[m.DateOverride, ...]:
    request = m.ListDateOverrides(provider_id=shop.provider.provider_id, first=first, last=last)
    return shop.port.list_date_overrides(shop.staff.reads(), request).overrides


def holidays(shop: Shop) -> Sequence[m.Holiday]:
    return shop.port.list_holidays(shop.anonymous.reads(), m.ListHolidays()).holidays


def test_a_date_may_have_other_hours_than_its_week(shop: Shop) -> None:
    zoe = shop.add_provider()
    override = shop.override(TODAY, "replace", ("18:00", "20:00"), ("12:00", "14:00"))
    assert override == m.DateOverride(
        provider_id=shop.provider.provider_id,
        date=TODAY,
        mode="replace",
        ranges=(m.DayRange(opens="12:00", closes="14:00"), m.DayRange(opens="18:00", closes="20:00")),
    )
    assert overrides(shop) == (override,)
    assert on(shop, TODAY) == [12, 13, 18, 19]
    assert on(shop, TOMORROW) == on(shop, TODAY, zoe) == list(range(9, 17))


def test_a_closed_date_has_no_hours(shop: Shop) -> None:
    shop.override(TODAY, "close")
    assert on(shop, TODAY) == []
    with refused(SlotUnavailable, reason="closed"):
        shop.book(at(9))


def test_extra_hours_add_to_the_week(shop: Shop) -> None:
    shop.override(TODAY, "extra", ("18:00", "20:00"))
    assert on(shop, TODAY) == [*range(9, 17), 18, 19]
    shop.override(SATURDAY, "extra", ("10:00", "12:00"))
    assert on(shop, SATURDAY) == [10, 11]


def test_extra_hours_that_meet_the_weeks_are_one_range_with_them(shop: Shop) -> None:
    shop.change_offering(duration_minutes=120, step_minutes=60)
    shop.override(TODAY, "extra", ("17:00", "19:00"), ("07:00", "10:00"))
    assert on(shop, TODAY) == list(range(7, 18))


def test_a_date_override_can_be_removed(shop: Shop) -> None:
    shop.override(TODAY, "close")
    for _ in range(2):
        regular = shop.override(TODAY, "regular")
        assert (regular.mode, regular.ranges) == ("regular", ())
    assert overrides(shop) == ()
    assert on(shop, TODAY) == list(range(9, 17))


def test_the_last_override_of_a_date_applies(shop: Shop) -> None:
    shop.override(TODAY, "close")
    shop.override(TODAY, "replace", ("12:00", "13:00"))
    last = shop.override(TODAY, "extra", ("20:00", "21:00"))
    assert shop.override(TODAY, "extra", ("20:00", "21:00")) == last
    assert overrides(shop) == (last,)
    assert on(shop, TODAY) == [*range(9, 17), 20]


def test_hours_of_a_date_may_go_past_its_midnight(shop: Shop) -> None:
    override = shop.override(TODAY, "replace", ("22:00", "02:00"))
    assert override.ranges == (m.DayRange(opens="22:00", closes="02:00"),)
    assert on(shop, TODAY) == [22, 23]
    assert on(shop, TOMORROW) == [0, 1, *range(9, 17)]


def test_a_date_is_in_the_providers_time_zone(shop: Shop) -> None:
    auckland = shop.add_provider(zone="Pacific/Auckland")
    shop.override(TOMORROW, "close", provider=auckland)
    of_auckland = shop.starts(MONDAY, at(48), provider_id=auckland.provider_id)
    assert of_auckland == [*(at(hour) for hour in range(5)), *(at(hour, day=1) for hour in range(21, 24))]


def test_date_overrides_are_listed_by_date_within_the_window(shop: Shop) -> None:
    set_so_far = [shop.override(TODAY + timedelta(days=day), "close") for day in (3, 0, 5, 1)]
    in_order = sorted(set_so_far, key=lambda override: override.date)
    assert overrides(shop) == tuple(in_order)
    assert overrides(shop, TOMORROW, TODAY + timedelta(days=3)) == tuple(in_order[1:3])
    with refused(InvalidRequest, field="last"):
        request = m.ListDateOverrides(provider_id=shop.provider.provider_id, first=TODAY, last=TODAY)
        late = TODAY + timedelta(days=401)
        shop.port.list_date_overrides(shop.staff.reads(), spoilt(request, last=late))


def test_holiday_has_no_slots(shop: Shop) -> None:
    zoe = shop.add_provider()
    stand = shop.set_holidays(TOMORROW, TODAY)
    assert [each.date for each in stand.holidays] == [TODAY, TOMORROW]
    assert holidays(shop) == stand.holidays
    assert [on(shop, day, who) for day in (TODAY, TOMORROW) for who in (shop.provider, zoe)] == [[]] * 4
    with refused(SlotUnavailable, reason="closed"):
        shop.book(at(9))


def test_holidays_are_replaced_together(shop: Shop) -> None:
    shop.set_holidays(TODAY, TOMORROW)
    assert [each.date for each in shop.set_holidays(TOMORROW).holidays] == [TOMORROW]
    assert on(shop, TODAY) == list(range(9, 17))
    assert shop.set_holidays() == m.Holidays(holidays=())
    assert on(shop, TOMORROW) == list(range(9, 17))


def test_a_date_that_was_replaced_or_opened_is_open_on_a_holiday(shop: Shop) -> None:
    shop.set_holidays(TODAY, TOMORROW)
    shop.override(TODAY, "replace", ("12:00", "14:00"))
    assert on(shop, TODAY) == [12, 13]
    shop.override(TOMORROW, "extra", ("18:00", "20:00"))
    assert on(shop, TOMORROW) == [18, 19]
    shop.override(TOMORROW, "close")
    assert on(shop, TOMORROW) == []


def test_a_range_of_the_previous_day_continues_into_a_holiday(shop: Shop) -> None:
    shop.work(hours("22:00", "02:00"))
    shop.set_holidays(TOMORROW)
    assert on(shop, TOMORROW) == [0, 1]
    assert on(shop, TODAY + timedelta(days=2)) == [22, 23]


def test_appointments_remain_when_their_date_is_closed(shop: Shop) -> None:
    booked = shop.book(at(9))
    shop.override(TODAY, "close")
    shop.set_holidays(TODAY)
    found = shop.port.get_appointment(shop.customer.reads(), m.GetAppointment(appointment_id=booked.appointment_id))
    assert found == booked


def test_dates_belong_to_a_provider_of_the_business(shop: Shop) -> None:
    unknown = uuid4()
    with refused(ProviderNotFound):
        request = m.SetDateOverride(provider_id=unknown, date=TODAY, mode="close")
        shop.port.set_date_override(shop.staff.writes(), request)
    with refused(ProviderNotFound):
        shop.port.list_date_overrides(
            shop.staff.reads(), m.ListDateOverrides(provider_id=unknown, first=TODAY, last=TODAY)
        )


NINE_TO_TEN = m.DayRange(opens="09:00", closes="10:00")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"mode": "replace"}, "ranges"),
        ({"mode": "close", "ranges": (NINE_TO_TEN,)}, "ranges"),
        ({"mode": "extra", "ranges": (NINE_TO_TEN, NINE_TO_TEN)}, "ranges"),
        ({"mode": "holiday"}, "mode"),
        ({"date": "someday"}, "date"),
    ],
)
def test_invalid_date_is_refused(shop: Shop, fields: dict[str, Any], named: str) -> None:
    request = m.SetDateOverride(provider_id=shop.provider.provider_id, date=TODAY, mode="close")
    with refused(InvalidRequest, field=named):
        shop.port.set_date_override(shop.staff.writes(), spoilt(request, **fields))
    assert overrides(shop) == ()


def test_a_repeated_holiday_is_refused(shop: Shop) -> None:
    day = m.Holiday(date=TODAY, name="Founders' day")
    with refused(InvalidRequest, field="holidays"):
        shop.port.set_holidays(shop.staff.writes(), spoilt(m.SetHolidays(holidays=()), holidays=(day, day)))


def test_a_provider_has_at_most_four_hundred_dates_ahead(adapter: Adapter, shop: Shop) -> None:
    with psycopg.connect(adapter.database_url) as administrator:
        administrator.execute(
            """
            INSERT INTO scheduling.date_override (business_id, provider_id, date, mode, opens, closes)
            SELECT %s, %s, day, 'close', '{}', '{}' FROM generate_series(%s::date, %s::date, '1 day') day
            """,
            (shop.business_id, shop.provider.provider_id, TODAY, TODAY + timedelta(days=399)),
        )
    with refused(InvalidRequest, field="date"):
        shop.override(date(2042, 1, 1), "close")
    shop.override(TODAY, "replace", ("09:00", "10:00"))
    shop.override(TODAY, "regular")
    shop.override(date(2042, 1, 1), "close")
