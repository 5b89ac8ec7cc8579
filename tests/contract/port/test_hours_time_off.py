"""Blocked time takes no new bookings."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import BlockNotFound, InvalidRequest, ProviderNotFound, ResourceNotFound
from tests.contract.port.samples import spoilt
from tests.contract.port.shop import MONDAY, TUESDAY, Shop, at, refused


def on_monday(shop: Shop, provider: m.Provider | None = None) -> list[int]:
    whose = (provider or shop.provider).provider_id
    return [start.hour for start in shop.starts(provider_id=whose)]


def blocks(shop: Shop, start: datetime = MONDAY, end: datetime = TUESDAY) -> m.BlockPage:
    return shop.port.list_blocks(shop.staff.reads(), m.ListBlocks(start=start, end=end))


def test_block_has_the_requested_values(shop: Shop) -> None:
    fields = {"provider_id": shop.provider.provider_id, "reason": "Dentist"}
    block = shop.block(at(10), at(12), **fields)
    assert block == m.Block(
        block_id=block.block_id,
        start=at(10),
        end=at(12),
        provider_id=shop.provider.provider_id,
        resource_id=None,
        reason="Dentist",
    )
    assert blocks(shop) == m.BlockPage(zone="Europe/Paris", blocks=(block,))


def test_pages_contain_each_block_once_in_order(shop: Shop) -> None:
    made = [shop.block(at(hour), at(hour + 1), reason=str(hour)) for hour in (14, 9, 9, 11, 16)]
    ask = m.ListBlocks(start=MONDAY, end=TUESDAY, limit=2)
    pages = [shop.port.list_blocks(shop.staff.reads(), ask)]
    while pages[-1].next_cursor is not None:
        ask = m.ListBlocks(start=MONDAY, end=TUESDAY, limit=2, cursor=pages[-1].next_cursor)
        pages.append(shop.port.list_blocks(shop.staff.reads(), ask))
    assert [len(page.blocks) for page in pages] == [2, 2, 1]
    listed = [block for page in pages for block in page.blocks]
    assert listed == sorted(made, key=lambda block: (block.start, block.block_id))
    with refused(InvalidRequest, field="cursor"):
        shop.port.list_blocks(shop.staff.reads(), spoilt(ask, cursor="AAAA"))


def test_a_providers_block_hides_their_slots_and_removing_it_brings_them_back(shop: Shop) -> None:
    zoe = shop.add_provider()
    block = shop.block(at(10), at(12), provider_id=shop.provider.provider_id)
    assert on_monday(shop) == [9, *range(12, 17)]
    assert on_monday(shop, zoe) == list(range(9, 17))
    assert shop.unblock(block) == block
    assert on_monday(shop) == list(range(9, 17))


def test_block_of_the_business_applies_to_every_provider(shop: Shop) -> None:
    zoe = shop.add_provider()
    shop.block(at(0), at(12))
    assert on_monday(shop) == on_monday(shop, zoe) == list(range(12, 17))


@pytest.mark.parametrize(
    ("start", "end", "hidden"),
    [
        (at(10, 30), at(10, 45), [10]),
        (at(9, 59) + timedelta(seconds=30), at(10), [9]),
        (at(10), at(10) + timedelta(microseconds=1), [10]),
        (at(10, 59), at(11, 1), [10, 11]),
        (at(17), at(30), []),
        (at(0, day=-30), at(9), []),
    ],
)
def test_a_block_hides_the_slots_it_overlaps(shop: Shop, start: datetime, end: datetime, hidden: list[int]) -> None:
    shop.block(start, end)
    assert [hour for hour in range(9, 17) if hour not in on_monday(shop)] == hidden


def test_blocks_may_overlap_and_are_removed_one_by_one(shop: Shop) -> None:
    early, whole = shop.block(at(9), at(13)), shop.block(at(11), at(17), provider_id=shop.provider.provider_id)
    assert on_monday(shop) == []
    shop.unblock(early)
    assert on_monday(shop) == [9, 10]
    shop.unblock(whole)
    assert on_monday(shop) == list(range(9, 17))


def test_appointments_within_a_block_remain(shop: Shop) -> None:
    booked = shop.book(at(10))
    shop.block(at(9), at(17))
    found = shop.port.get_appointment(shop.customer.reads(), m.GetAppointment(appointment_id=booked.appointment_id))
    assert found == booked


def test_a_past_block_can_be_removed_once(shop: Shop) -> None:
    over = shop.block(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC))
    assert shop.unblock(over) == over
    with refused(BlockNotFound):
        shop.unblock(over)


def test_blocks_are_listed_by_start_when_they_touch_the_window(shop: Shop) -> None:
    before, later = shop.block(at(-24), at(0)), shop.block(at(24), at(30))
    last, first, middle = shop.block(at(23), at(25)), shop.block(at(-48), at(1)), shop.block(at(5), at(6))
    assert blocks(shop).blocks == (first, middle, last)
    assert blocks(shop, at(-72), at(72)).blocks == (first, before, middle, last, later)


def test_block_of_an_unknown_provider_or_resource_is_not_found(shop: Shop) -> None:
    with refused(ProviderNotFound):
        shop.block(at(9), at(10), provider_id=uuid4())
    with refused(ResourceNotFound):
        shop.block(at(9), at(10), resource_id=uuid4())
    with refused(BlockNotFound):
        shop.port.remove_block(shop.staff.writes(), m.RemoveBlock(block_id=uuid4()))
    assert blocks(shop).blocks == ()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"end": at(9)}, "end"),
        ({"end": at(9) + timedelta(days=401)}, "end"),
        ({"start": datetime(1999, 1, 1, tzinfo=UTC)}, "start"),
        ({"provider_id": uuid4(), "resource_id": uuid4()}, "provider_id"),
        ({"reason": "a\nb"}, "reason"),
    ],
)
def test_invalid_block_is_refused(shop: Shop, fields: dict[str, Any], named: str) -> None:
    with refused(InvalidRequest, field=named):
        shop.port.block_time(shop.staff.writes(), spoilt(m.BlockTime(start=at(9), end=at(10)), **fields))
    assert blocks(shop).blocks == ()
