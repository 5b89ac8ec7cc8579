"""Bounded cost of searches: long ones are capped, say so, and can be continued."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.values import MOST_STARTS
from tests.contract.port.shop import MONDAY, Shop, at, hours

DAYS = 62
END = MONDAY + timedelta(days=DAYS)
ROUND_THE_CLOCK = hours("00:00", "24:00", 1, 2, 3, 4, 5, 6, 7)


@pytest.fixture
def dense(shop: Shop) -> Shop:
    """A shop with a start every two minutes, day and night: 44,640 in 62 days."""
    shop.change_offering(duration_minutes=10, step_minutes=2, min_notice_minutes=0)
    shop.work(ROUND_THE_CLOCK)
    return shop


def test_a_long_search_is_capped_and_says_where_to_continue(dense: Shop) -> None:
    whole = [dense.search(MONDAY, END)]
    while (following := whole[-1].next_start) is not None:
        assert all(slot.starts_at < following for slot in whole[-1].slots)
        whole.append(dense.search(following, END))
    assert [len(each.slots) <= MOST_STARTS for each in whole] == [True, True]
    starts = [slot.starts_at for each in whole for slot in each.slots]
    # The last starts of an appointment of ten minutes are that much before the end of each day.
    assert starts == [at(0, minute, day=day) for day in range(DAYS) for minute in range(0, 1431, 2)]


def test_a_capped_search_by_day_says_so_too(dense: Shop) -> None:
    found = dense.search(MONDAY, END, by_day=True)
    assert found.next_start == dense.search(MONDAY, END).next_start
    assert sum(len(day.slots) for day in found.days) <= MOST_STARTS


def test_what_bookings_occupy_does_not_move_the_cap(dense: Shop) -> None:
    before = dense.search(MONDAY, END).next_start
    dense.book(at(9))
    assert dense.search(MONDAY, END).next_start == before is not None


def test_limits_that_are_checked_per_start_are_capped_alike(dense: Shop) -> None:
    before = dense.search(MONDAY, END).next_start
    dense.change_offering(duration_minutes=10, step_minutes=2, limits=m.Limits(provider_day=1))
    dense.book(at(9))
    found = dense.search(MONDAY, END)
    assert found.next_start == before
    assert found.slots[0].starts_at == at(22), "the next day in the zone of the business"


def test_an_overview_is_capped_at_whole_days(dense: Shop) -> None:
    days: list[date] = []
    first = MONDAY.date()
    for _ in range(2):
        request = m.GetOverview(
            offering_id=dense.offering.offering_id, first=first, days=DAYS - len(days), viewer_zone="UTC"
        )
        found = dense.port.get_overview(dense.anonymous.reads(), request)
        days += [day.date for day in found.days]
        first = found.next_first or first
    assert days == [MONDAY.date() + timedelta(days=n) for n in range(DAYS)]
    assert found.next_first is None


def test_the_next_start_is_searched_in_capped_steps(dense: Shop) -> None:
    offering = dense.offering.offering_id
    dense.block(MONDAY, END - timedelta(days=3))
    capped = dense.port.next_available(dense.anonymous.reads(), m.NextAvailable(offering_id=offering, after=MONDAY))
    assert capped.slots == ()
    assert capped.next_start is not None
    after = m.NextAvailable(offering_id=offering, after=capped.next_start)
    found = dense.port.next_available(dense.anonymous.reads(), after)
    assert ([slot.starts_at for slot in found.slots], found.next_start) == ([END - timedelta(days=3)], None)


def test_visits_are_capped_by_what_each_start_costs(dense: Shop) -> None:
    second = dense.add_offering("Colour", duration_minutes=10)
    ids = (dense.offering.offering_id, second.offering_id)

    def search(start: datetime) -> m.VisitSlots:
        request = m.SearchVisits(offering_ids=ids, start=start, end=END)
        return dense.port.search_visits(dense.customer.reads(), request)

    capped = search(MONDAY)
    of_one_service = dense.search(MONDAY, END).next_start
    assert capped.next_start is not None
    assert of_one_service is not None
    assert MONDAY < capped.next_start < of_one_service
    assert max(slot.starts_at for slot in capped.slots) < capped.next_start
    assert search(END - timedelta(days=1)).next_start is None


@pytest.mark.parametrize("days", [1, 7, 62])
def test_ordinary_searches_are_complete(shop: Shop, days: int) -> None:
    asked: list[Callable[..., Any]] = [shop.search, lambda *window: shop.search(*window, by_day=True)]
    assert [each(MONDAY, MONDAY + timedelta(days=days)).next_start for each in asked] == [None, None]
