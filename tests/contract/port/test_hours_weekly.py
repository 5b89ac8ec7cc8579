"""Weekly hours of providers: the default week and dated weeks."""

from datetime import date, datetime, timedelta

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest, ProviderNotFound
from tests.contract.port.samples import spoilt
from tests.contract.port.shop import MONDAY, OFFICE_HOURS, Shop, at, hours, refused

OFFICE = [at(hour) for hour in range(9, 17)]


def on(shop: Shop, day: int) -> list[int]:
    """Return the hours at which search lists a start on the UTC date `day` days after the Monday."""
    return [start.hour for start in shop.starts(at(0, day=day), at(24, day=day))]


def listed(shop: Shop) -> m.Provider:
    return shop.port.list_providers(shop.anonymous.reads(), m.ListProviders()).providers[0]


def june(day: int) -> date:
    """The Monday is the 4th; the 11th and the 18th are Mondays too."""
    return date(2040, 6, day)


def test_a_day_may_have_several_ranges(shop: Shop) -> None:
    shop.work([*hours("13:00", "15:00", 1), *hours("09:00", "11:00", 1)])
    assert on(shop, 0) == [9, 10, 13, 14]
    assert on(shop, 1) == []


def test_hours_past_midnight_offer_slots_on_both_dates(shop: Shop) -> None:
    provider = shop.work(hours("22:00", "02:00", 1))
    assert provider.weekly_hours == (m.WorkingRange(weekday=1, opens="22:00", closes="02:00"),)
    assert on(shop, 0) == [22, 23]
    assert on(shop, 1) == [0, 1]
    assert shop.starts(at(23), at(25)) == [at(23), at(24)]


def test_one_slot_may_span_midnight(shop: Shop) -> None:
    shop.change_offering(duration_minutes=120, step_minutes=60)
    shop.work(hours("22:00", "02:00", 1))
    assert shop.starts(at(12), at(36)) == [at(22), at(23), at(24)]


def test_a_range_may_last_a_day_and_a_night(shop: Shop) -> None:
    shop.work(hours("09:00", "09:00", 1))
    assert shop.starts(MONDAY, at(48)) == [at(hour) for hour in range(9, 33)]


def test_a_range_until_midnight_closes_at_24_00_however_it_was_written(shop: Shop) -> None:
    for closes in ("00:00", "24:00"):
        assert [each.closes for each in shop.work(hours("20:00", closes, 1)).weekly_hours] == ["24:00"]
        assert on(shop, 0) == [20, 21, 22, 23]
        assert on(shop, 1) == []


def test_ranges_past_sundays_midnight_may_meet_mondays_but_not_overlap(shop: Shop) -> None:
    shop.work([*hours("22:00", "02:00", 7), *hours("02:00", "04:00", 1)])
    assert on(shop, 7) == [0, 1, 2, 3]
    wrong = (*hours("22:00", "02:00", 7), *hours("01:59", "04:00", 1))
    request = m.SetWeeklyHours(provider_id=shop.provider.provider_id, ranges=())
    with refused(InvalidRequest, field="ranges"):
        shop.port.set_weekly_hours(shop.staff.writes(), spoilt(request, ranges=wrong))
    assert on(shop, 7) == [0, 1, 2, 3]


def test_a_new_zone_keeps_the_wall_clock(shop: Shop) -> None:
    shop.work(hours("22:00", "02:00", 1), effective_from=june(4))
    kolkata = m.UpdateProvider(provider_id=shop.provider.provider_id, name="Ada", zone="Asia/Kolkata")
    updated = shop.port.update_provider(shop.staff.writes(), kolkata)
    assert updated.schedules[0].ranges == (m.WorkingRange(weekday=1, opens="22:00", closes="02:00"),)
    assert shop.starts(MONDAY, at(48)) == [at(16, 30), at(17, 30), at(18, 30), at(19, 30)]


@pytest.mark.parametrize(
    ("first", "last", "lasts"),
    [
        (datetime.fromisoformat("2040-03-25T00:00+01:00"), datetime.fromisoformat("2040-03-26T00:00+02:00"), 23),
        (datetime.fromisoformat("2040-10-28T00:00+02:00"), datetime.fromisoformat("2040-10-29T00:00+01:00"), 25),
    ],
)
def test_a_whole_day_is_as_long_as_the_clocks_make_it(shop: Shop, first: datetime, last: datetime, lasts: int) -> None:
    paris = m.UpdateProvider(provider_id=shop.provider.provider_id, name="Ada", zone="Europe/Paris")
    shop.port.update_provider(shop.staff.writes(), paris)
    shop.work(hours("00:00", "24:00", 7))
    assert shop.starts(first, last) == [first + timedelta(hours=n) for n in range(lasts)]


def test_a_dated_week_applies_from_its_first_date_to_its_last(shop: Shop) -> None:
    provider = shop.work(hours("12:00", "14:00", 1), effective_from=june(11), effective_until=june(17))
    assert provider.weekly_hours == shop.provider.weekly_hours
    assert provider.schedules == (
        m.Schedule(
            effective_from=june(11),
            effective_until=june(17),
            ranges=(m.WorkingRange(weekday=1, opens="12:00", closes="14:00"),),
        ),
    )
    assert listed(shop) == provider
    assert on(shop, 4) == on(shop, 0) == list(range(9, 17))
    assert on(shop, 7) == [12, 13]
    assert [on(shop, day) for day in (8, 9, 10, 11)] == [[], [], [], []]
    assert on(shop, 14) == list(range(9, 17))


def test_of_several_dated_weeks_the_latest_to_begin_applies(shop: Shop) -> None:
    shop.work(hours("12:00", "14:00", 1), effective_from=june(10), effective_until=june(12))
    shop.work(hours("06:00", "08:00", 1), effective_from=june(1))
    shop.work(hours("18:00", "20:00", 1), effective_from=june(11), effective_until=june(11))
    assert [each.effective_from for each in listed(shop).schedules] == [june(1), june(10), june(11)]
    assert on(shop, 0) == on(shop, 14) == [6, 7]
    assert on(shop, 7) == [18, 19]
    shop.work([], effective_from=june(11), remove=True)
    assert on(shop, 7) == [12, 13]


def test_a_dated_week_without_ranges_is_a_week_off(shop: Shop) -> None:
    assert shop.work([], effective_from=june(11), effective_until=june(17)).schedules[0].ranges == ()
    assert [on(shop, day) for day in range(7, 14)] == [[]] * 7
    assert on(shop, 14) == list(range(9, 17))


def test_a_dated_week_is_replaced_by_one_that_begins_on_the_same_date(shop: Shop) -> None:
    shop.work(OFFICE_HOURS, effective_from=june(4), effective_until=june(17))
    week = hours("12:00", "14:00", 1)
    provider = shop.work(week, effective_from=june(4), effective_until=june(10))
    assert [each.effective_until for each in provider.schedules] == [june(10)]
    assert on(shop, 0) == [12, 13]
    assert on(shop, 7) == list(range(9, 17))
    assert shop.work(week, effective_from=june(4), effective_until=june(10)) == provider


def test_removing_a_dated_week_leaves_the_others_and_may_be_repeated(shop: Shop) -> None:
    kept = shop.work(hours("12:00", "14:00", 1), effective_from=june(11))
    shop.work(hours("18:00", "20:00", 1), effective_from=june(4))
    for _ in range(2):
        assert shop.work([], effective_from=june(4), remove=True) == kept
    assert on(shop, 0) == list(range(9, 17))
    assert on(shop, 7) == [12, 13]


def test_the_regular_week_and_dated_weeks_change_independently(shop: Shop) -> None:
    dated = shop.work(hours("12:00", "14:00", 1), effective_from=june(11)).schedules
    provider = shop.work(hours("06:00", "08:00", 1))
    assert provider.schedules == dated
    assert (on(shop, 0), on(shop, 7)) == ([6, 7], [12, 13])


def test_a_range_that_begins_on_the_last_date_continues_past_midnight(shop: Shop) -> None:
    shop.work(hours("22:00", "02:00", 7), effective_from=june(4), effective_until=june(10))
    assert on(shop, 6) == [22, 23]
    assert on(shop, 7) == [0, 1, *range(9, 17)]


def test_a_provider_has_at_most_fifty_dated_weeks(shop: Shop) -> None:
    for day in range(50):
        provider = shop.work([], effective_from=june(1) + timedelta(days=day))
    assert len(provider.schedules) == 50
    with refused(InvalidRequest, field="effective_from"):
        shop.work([], effective_from=date(2041, 1, 1))
    shop.work(OFFICE_HOURS, effective_from=june(1))
    shop.work([], effective_from=june(2), remove=True)
    assert len(shop.work([], effective_from=date(2041, 1, 1)).schedules) == 50


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"remove": True}, "effective_from"),
        ({"effective_until": june(4)}, "effective_from"),
        ({"effective_from": june(4), "effective_until": june(3)}, "effective_until"),
        ({"effective_from": june(4), "remove": True, "ranges": tuple(OFFICE_HOURS)}, "ranges"),
    ],
)
def test_inconsistent_dates_are_refused(shop: Shop, fields: dict[str, object], named: str) -> None:
    request = m.SetWeeklyHours(provider_id=shop.provider.provider_id, ranges=())
    with refused(InvalidRequest, field=named):
        shop.port.set_weekly_hours(shop.staff.writes(), spoilt(request, **fields))
    assert listed(shop) == shop.provider


def test_hours_of_an_unknown_provider_are_refused(shop: Shop) -> None:
    nobody = m.Provider(
        provider_id=shop.offering.offering_id, name="", zone="UTC", active=True, offering_ids=(), weekly_hours=()
    )
    with refused(ProviderNotFound):
        shop.work(OFFICE_HOURS, provider=nobody, effective_from=june(4))
