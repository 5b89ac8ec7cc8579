"""The database itself refuses to commit past the deadline."""

import time

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import DeadlineExceeded
from tests.contract.port.shop import Shop, at
from tests.integration.engine.workbench import SLOW_COMMIT, Workbench


def test_a_write_behind_a_long_fence_ends_by_its_deadline(bench: Workbench, shop: Shop) -> None:
    with bench.fenced(shop.business_id):
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            shop.port.book(shop.customer.writes("late", seconds=0.3), shop.booking())
        assert 0.25 < time.monotonic() - began < 0.8
    assert bench.count("appointment", shop.business_id) == 0
    assert shop.port.book(shop.customer.writes("late"), shop.booking()).version == 1


def test_a_commit_past_the_deadline_is_aborted(own_bench: Workbench, own_shop: Shop) -> None:
    own_bench.sql(SLOW_COMMIT.format(seconds=5))
    began = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        own_shop.port.book(own_shop.customer.writes(seconds=0.4), own_shop.booking())
    assert time.monotonic() - began < 1.0
    assert own_bench.count("appointment", own_shop.business_id) == 0
    assert own_bench.count("outbox", own_shop.business_id) == 0


def test_a_slow_commit_within_the_deadline_succeeds(own_bench: Workbench, own_shop: Shop) -> None:
    own_bench.sql(SLOW_COMMIT.format(seconds=0.2))
    assert own_shop.port.book(own_shop.customer.writes(seconds=3), own_shop.booking()).version == 1


def test_the_time_limit_of_a_call_ends_with_it(bench: Workbench, shop: Shop) -> None:
    """A pooled connection that kept the limit would fail for the next caller."""
    for _ in range(3):
        shop.port.book(shop.customer.writes("one", seconds=0.5), shop.booking())
        shop.port.list_appointments(shop.staff.reads(seconds=0.5), m.ListAppointments())
        shop.port.search_slots(
            shop.staff.reads(seconds=0.5), m.SearchSlots(offering_id=shop.offering.offering_id, start=at(0), end=at(24))
        )
    with bench.database.connection(shop.staff.reads().deadline) as connection:
        assert connection.execute("SHOW transaction_timeout").fetchone() == ("0",)
        assert connection.execute("SHOW lock_timeout").fetchone() == ("0",)


@pytest.mark.parametrize("seconds", [1e9, float("inf")])
def test_a_deadline_may_be_arbitrarily_late(shop: Shop, seconds: float) -> None:
    assert shop.port.book(shop.customer.writes(seconds=seconds), shop.booking()).version == 1
    assert shop.port.list_offerings(shop.staff.reads(seconds=seconds), m.ListOfferings()).offerings
