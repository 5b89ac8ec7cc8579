"""Slot search by providers and by calendar days."""

from datetime import date
from uuid import uuid4

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest, ProviderNotFound
from tests.contract.port.samples import spoilt
from tests.contract.port.shop import MONDAY, TUESDAY, Shop, at, hours, refused


def test_a_search_may_name_several_providers(shop: Shop) -> None:
    zoe, kim = shop.add_provider(), shop.add_provider("Kim")
    found = shop.search(at(9), at(10), provider_ids=(zoe.provider_id, kim.provider_id)).slots
    assert [slot.provider_id for slot in found] == sorted((zoe.provider_id, kim.provider_id))
    with refused(ProviderNotFound):
        shop.search(provider_ids=(zoe.provider_id, uuid4()))


def test_a_set_of_providers_prevails_over_a_single_one(shop: Shop) -> None:
    zoe = shop.add_provider()
    found = shop.search(provider_id=shop.provider.provider_id, provider_ids=(zoe.provider_id,)).slots
    assert {slot.provider_id for slot in found} == {zoe.provider_id}


def test_at_most_a_hundred_providers_may_be_named(shop: Shop) -> None:
    window = m.SearchSlots(offering_id=shop.offering.offering_id, start=MONDAY, end=TUESDAY)
    with refused(InvalidRequest, field="provider_ids"):
        shop.port.search_slots(shop.anonymous.reads(), spoilt(window, provider_ids=tuple(uuid4() for _ in range(101))))


def test_grouped_by_the_viewer_s_days(shop: Shop) -> None:
    """Auckland is twelve hours ahead of UTC in June."""
    shop.work(hours("10:00", "14:00", 1))
    found = shop.search(by_day=True, viewer_zone="Pacific/Auckland")
    assert found.zone == "Pacific/Auckland"
    assert found.slots == ()
    days = [(day.date, [slot.starts_at for slot in day.slots]) for day in found.days]
    assert days == [(date(2040, 6, 4), [at(10), at(11)]), (date(2040, 6, 5), [at(12), at(13)])]


def test_slots_are_grouped_by_the_businesss_days_by_default(shop: Shop) -> None:
    shop.work(hours("21:00", "23:00", 1))
    found = shop.search(by_day=True)
    assert found.zone == "Europe/Paris"
    assert [day.date for day in found.days] == [date(2040, 6, 4), date(2040, 6, 5)]


def test_a_viewer_s_zone_changes_no_instant(shop: Shop) -> None:
    found = shop.search(viewer_zone="Asia/Tokyo")
    assert found.zone == "Asia/Tokyo"
    assert found.slots == shop.search().slots
    assert found.days == ()


def test_the_viewer_s_zone_must_exist(shop: Shop) -> None:
    window = m.SearchSlots(offering_id=shop.offering.offering_id, start=MONDAY, end=TUESDAY)
    with refused(InvalidRequest):
        shop.port.search_slots(shop.anonymous.reads(), spoilt(window, viewer_zone="Mars/Olympus"))
