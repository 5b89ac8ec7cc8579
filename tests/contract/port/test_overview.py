"""The overview: days with availability."""

from datetime import date, timedelta
from typing import Any

from contracts.scheduling import models as m
from contracts.scheduling.errors import OfferingNotFound
from tests.contract.port.samples import spoilt
from tests.contract.port.shop import MONDAY, Shop, at, hours, refused

FIRST = MONDAY.date()


def overview(shop: Shop, days: int = 7, **fields: Any) -> m.Overview:
    request = {"offering_id": shop.offering.offering_id, "first": FIRST, "days": days, "viewer_zone": "UTC"}
    return shop.port.get_overview(shop.anonymous.reads(), m.GetOverview(**{**request, **fields}))


def open_days(shop: Shop, days: int = 7, **fields: Any) -> list[int]:
    """Return the offsets of the days with availability."""
    return [(day.date - FIRST).days for day in overview(shop, days, **fields).days if day.has_room]


def test_every_requested_day_is_listed_in_order(shop: Shop) -> None:
    found = overview(shop, days=10)
    assert [day.date for day in found.days] == [FIRST + timedelta(days=n) for n in range(10)]
    assert [day.has_room for day in found.days] == [True] * 5 + [False] * 2 + [True] * 3


def test_a_day_has_room_if_one_start_is_free(shop: Shop) -> None:
    shop.work(hours("09:00", "11:00"))
    shop.book(at(9))
    assert open_days(shop, 2) == [0, 1]
    shop.book(at(10))
    assert open_days(shop, 2) == [1]


def test_one_free_provider_is_enough(shop: Shop) -> None:
    shop.work(hours("09:00", "10:00", 1, 2))
    zoe = shop.add_provider()
    shop.work(hours("09:00", "10:00", 1, 4), provider=zoe)
    shop.book(at(9))
    assert open_days(shop) == [0, 1, 3]
    assert open_days(shop, provider_id=shop.provider.provider_id) == [1]
    assert open_days(shop, provider_ids=(zoe.provider_id,)) == [0, 3]


def test_holidays_date_overrides_and_time_off_are_considered(shop: Shop) -> None:
    shop.set_holidays(FIRST)
    shop.override(FIRST + timedelta(days=1), "close")
    shop.override(FIRST + timedelta(days=5), "extra", ("10:00", "11:00"))
    shop.block(at(0, day=2), at(0, day=3))
    assert open_days(shop) == [3, 4, 5]


def test_days_are_in_the_viewer_s_time_zone(shop: Shop) -> None:
    """Monday's late hours in UTC are Tuesday's in Auckland, where Monday is over when they begin."""
    shop.work(hours("20:00", "22:00", 1))
    assert open_days(shop) == [0]
    assert open_days(shop, viewer_zone="Pacific/Auckland") == [1]
    found = overview(shop, viewer_zone="Pacific/Auckland")
    assert found.zone == "Pacific/Auckland"
    assert overview(shop, viewer_zone=None).zone == "Europe/Paris"


def test_a_day_has_room_exactly_when_a_search_of_it_finds_something(shop: Shop) -> None:
    shop.change_offering(capacity=2, limits=m.Limits(provider_day=1))
    shop.book(at(9), seats=2)
    shop.book(at(9, day=1), seats=1)
    for seats in (1, 2):
        found = open_days(shop, 4, seats=seats)
        assert found == [n for n in range(4) if shop.starts(at(0, day=n), at(0, day=n + 1), seats=seats)]
    assert open_days(shop, 4, seats=2) == [2, 3]


def test_provider_without_the_offering_has_no_availability(shop: Shop) -> None:
    shop.assign()
    assert open_days(shop) == []


def test_an_unknown_offering_is_not_found(shop: Shop) -> None:
    request = m.GetOverview(offering_id=shop.offering.offering_id, first=date(2040, 6, 4))
    with refused(OfferingNotFound):
        shop.port.get_overview(shop.anonymous.reads(), spoilt(request, offering_id=shop.business_id))
