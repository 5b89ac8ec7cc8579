"""Limits on the catalog; existing entries can change at the limit."""

from collections.abc import Callable

import psycopg
import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest
from tests.contract.port.adapters import Adapter
from tests.contract.port.shop import Shop, at

BLOCKS, LIST = m.ListBlocks(start=at(0), end=at(24)), m.ListResources()

Full = tuple[str, int, Callable[[Shop], object], Callable[[Shop], object]]

FULL: dict[str, Full] = {
    "offerings": (
        """
        INSERT INTO scheduling.offering
               (business_id, offering_id, name, duration_minutes, step_minutes, cancel_cutoff_minutes)
        SELECT %s, gen_random_uuid(), 'Wash', 60, 60, 0 FROM generate_series(1, %s)
        """,
        1_000,
        lambda shop: shop.add_offering(assign=False),
        lambda shop: shop.change_offering(name="Trim"),
    ),
    "providers": (
        """
        INSERT INTO scheduling.provider (business_id, provider_id, name, zone)
        SELECT %s, gen_random_uuid(), 'Zoe', 'UTC' FROM generate_series(1, %s)
        """,
        1_000,
        lambda shop: shop.add_provider(),
        lambda shop: shop.assign(),
    ),
    "resources": (
        """
        INSERT INTO scheduling.resource (business_id, resource_id, kind, name)
        SELECT %s, gen_random_uuid(), 'room', 'Room' FROM generate_series(1, %s)
        """,
        1_000,
        lambda shop: shop.add_resource("Room 2"),
        lambda shop: shop.change_resource(shop.port.list_resources(shop.staff.reads(), LIST).resources[0], name="A"),
    ),
    "blocks": (
        """
        INSERT INTO scheduling.block (business_id, block_id, starts_at, ends_at, reason)
        SELECT %s, gen_random_uuid(), '2040-06-04 09:00Z', '2040-06-04 10:00Z', '' FROM generate_series(1, %s)
        """,
        10_000,
        lambda shop: shop.block(at(9), at(10)),
        lambda shop: shop.unblock(shop.port.list_blocks(shop.staff.reads(), BLOCKS).blocks[0]),
    ),
}


@pytest.mark.parametrize("what", FULL)
def test_limit_is_reported_and_existing_entries_can_change(adapter: Adapter, shop: Shop, what: str) -> None:
    fill, most, one_more, change = FULL[what]
    with psycopg.connect(adapter.database_url) as administrator:
        administrator.execute(fill, (shop.business_id, most - (what in ("offerings", "providers"))))
    with pytest.raises(InvalidRequest, match=f"at most {most} "):
        one_more(shop)
    change(shop)
