"""The next free starts."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

from contracts.scheduling import models as m
from tests.contract.port.shop import MONDAY, Shop, at, hours

HOUR = timedelta(hours=1)


def following(shop: Shop, after: datetime | None = MONDAY, **fields: Any) -> list[datetime]:
    request = m.NextAvailable(**{"offering_id": shop.offering.offering_id, "after": after, **fields})
    return [slot.starts_at for slot in shop.port.next_available(shop.anonymous.reads(), request).slots]


def test_the_first_start_after_an_instant(shop: Shop) -> None:
    assert following(shop) == [at(9)]
    assert following(shop, at(9)) == [at(9)]
    assert following(shop, at(9, 1)) == [at(10)]


def test_nights_and_weekends_are_skipped(shop: Shop) -> None:
    assert following(shop, at(16, 30, day=4), limit=2) == [at(9, day=7), at(10, day=7)]


def test_the_requested_number_of_starts_in_order(shop: Shop) -> None:
    assert following(shop, limit=10) == [*(at(hour) for hour in range(9, 17)), at(9, day=1), at(10, day=1)]


def test_occupied_starts_are_skipped(shop: Shop) -> None:
    shop.work(hours("09:00", "10:00", 1))
    shop.book(at(9))
    shop.book(at(9, day=7))
    assert following(shop) == [at(9, day=14)]


def test_first_free_provider_of_several(shop: Shop) -> None:
    zoe = shop.add_provider()
    shop.work(hours("08:00", "09:00", 2), provider=zoe)
    assert following(shop, at(17)) == [at(8, day=1)]
    assert following(shop, at(17), provider_id=shop.provider.provider_id) == [at(9, day=1)]
    assert following(shop, at(17), provider_ids=(zoe.provider_id,), limit=2) == [at(8, day=1), at(8, day=8)]


def test_the_search_covers_62_days_at_most(shop: Shop) -> None:
    shop.work(())
    shop.override((MONDAY + timedelta(days=61)).date(), "replace", ("23:00", "24:00"))
    assert following(shop) == [at(23, day=61)]
    assert following(shop, MONDAY - HOUR) == []


def test_search_starts_now_by_default(shop: Shop) -> None:
    shop.change_offering(duration_minutes=5, step_minutes=1)
    shop.work(hours("00:00", "24:00"))
    before = datetime.now(UTC)
    [found] = following(shop, None)
    assert before < found <= before + timedelta(minutes=2)


def test_the_search_covers_62_days_from_now_by_default(shop: Shop) -> None:
    shop.work(())
    last = (datetime.now(UTC) + timedelta(days=62)).date()
    shop.override(last, "replace", ("00:00", "24:00"))
    [found] = following(shop, None)
    assert found == datetime.combine(last, time(), UTC)


def test_past_starts_are_skipped(shop: Shop) -> None:
    shop.work(hours("00:00", "24:00"))
    now = datetime.now(UTC)
    [found] = following(shop, now - timedelta(days=3))
    assert now < found <= now + HOUR + timedelta(minutes=1)
