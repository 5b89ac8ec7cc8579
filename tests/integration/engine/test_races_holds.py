"""Concurrent holds, approvals and seats: one holder, one decision, no more bookings than seats."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import HoldExpired, InvalidTransition, SlotUnavailable
from tests.contract.port.appointments import approve, cancel, confirm, decline, get, hold, move
from tests.contract.port.shop import Shop, at, customer_of
from tests.integration.engine.race_invariants import (
    accepted,
    expire,
    ids,
    refusals,
    require_apart,
    require_claimed,
    require_taken,
    standing,
)
from tests.integration.engine.workbench import Background, Workbench, at_once, wait_for

Call = Callable[[], m.Appointment]


def bookers(shop: Shop, threads: int, hour: int = 9, **fields: Any) -> list[Call]:
    return [partial(shop.book, at(hour), customer_of(shop.business_id), **fields) for _ in range(threads)]


def holders(shop: Shop, threads: int, hour: int = 9, **fields: Any) -> list[Call]:
    return [partial(hold, shop, at(hour), customer_of(shop.business_id), **fields) for _ in range(threads)]


@pytest.mark.parametrize("threads", [1, 8, 32])
def test_holding_against_booking(bench: Workbench, shop: Shop, threads: int) -> None:
    deadlocks = bench.deadlocks()
    results = at_once([*holders(shop, threads), *bookers(shop, threads)])
    assert len(accepted(results)) == 1
    require_taken(results)
    require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks


@pytest.mark.parametrize("threads", [1, 8, 16])
def test_an_overdue_hold_goes_to_exactly_one_other(bench: Workbench, shop: Shop, threads: int) -> None:
    deadlocks = bench.deadlocks()
    for hour in (9, 10, 11):
        held = hold(shop, at(hour))
        expire(bench, held)
        confirming: Call = partial(confirm, shop, held)
        results = at_once([confirming, *bookers(shop, threads, hour), *holders(shop, threads, hour)])
        assert isinstance(results[0], HoldExpired)
        assert len(accepted(results)) == 1
        require_taken(results[1:])
        assert get(shop, held).status == "expired"
    require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks


@pytest.mark.parametrize("threads", [2, 8])
def test_a_hold_that_expires_during_its_confirmation(bench: Workbench, shop: Shop, threads: int) -> None:
    """Either the holder or another customer gets the time, and never a holder who got HoldExpired."""
    for n in range(8):
        held = hold(shop, at(9 + n))
        expire(bench, held, ago="-2 milliseconds" if n % 2 else "-4 milliseconds")
        confirming: Call = partial(confirm, shop, held)
        results = at_once([*bookers(shop, threads, 9 + n), confirming])
        assert len(accepted(results)) <= 1
        require_taken(results[:-1])
        assert isinstance(results[-1], m.Appointment | HoldExpired)
    require_apart(standing(shop))
    require_claimed(bench, shop)


def test_concurrent_bookings_expire_shared_overdue_holds(bench: Workbench, shop: Shop) -> None:
    """Overlapping bookings each have to expire some of the same holds."""
    shop.change_offering(step_minutes=15)
    short = shop.add_offering("Fringe", duration_minutes=15)
    deadlocks = bench.deadlocks()
    held = [hold(shop, at(9, 15 * n), offering_id=short.offering_id) for n in range(12)]
    expire(bench, *held)
    starts = [at(9, 15 * (n % 9)) for n in range(27)]
    results = at_once([partial(shop.book, start, customer_of(shop.business_id)) for start in starts])
    assert accepted(results)
    require_taken(results)
    require_apart(standing(shop))
    require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks


def settle(shop: Shop) -> m.Settled:
    return shop.port.settle(shop.system.writes(), m.Settle())


def test_settling_against_booking_and_joining(bench: Workbench, shop: Shop) -> None:
    """Exactly one booking or offer gets the time, regardless of the write that expires the hold."""
    zoe = shop.add_provider()
    deadlocks = bench.deadlocks()
    for hour in (9, 11, 13, 15):
        held = [hold(shop, at(hour), provider_id=each.provider_id) for each in (shop.provider, zoe)]
        wish = m.JoinWaitlist(
            offering_id=shop.offering.offering_id, customer_id=shop.stranger.id, start=at(hour), end=at(hour + 1)
        )
        shop.port.join_waitlist(shop.stranger.writes(), wish)
        expire(bench, *held)
        calls: list[Callable[[], object]] = [
            partial(settle, shop),
            *bookers(shop, 6, hour, provider_id=None),
            partial(settle, shop),
        ]
        results = at_once(calls)
        assert all(isinstance(each, m.Settled) for each in (results[0], results[-1]))
        require_taken(results)
        assert 1 <= len(accepted(results[1:-1])) <= 2
    require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks


def test_a_write_with_later_locks_does_not_wait_for_an_overdue_hold(bench: Workbench, shop: Shop) -> None:
    """One write holds the provider's lock and finds the hold overdue; the write that expires it waits for that lock."""
    first, second = shop.book(at(11)), shop.book(at(12))
    held = hold(shop, at(9))
    deadlocks = bench.deadlocks()
    with bench.administrator() as somebody, somebody.transaction():
        somebody.execute(
            "SELECT 1 FROM scheduling.provider WHERE provider_id = %s FOR NO KEY UPDATE", (held.provider_id,)
        )
        moving = [Background(partial(move, shop, first, at(9), shop.staff))]
        wait_for_waiting(bench, 1)
        expire(bench, held)
        moving.append(Background(partial(move, shop, second, at(9), shop.staff)))
        wait_for_waiting(bench, 2)
    with pytest.raises(SlotUnavailable):
        moving[0].result()
    assert moving[1].result().starts_at == at(9)
    require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks


def wait_for_waiting(bench: Workbench, count: int) -> None:
    """Wait until this many backends wait for a provider's lock."""
    statement = """
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
           AND query LIKE 'SELECT 1 FROM scheduling.provider%%'
    """
    wait_for(lambda: bench.sql(statement)[0][0] == count)


def test_an_opportunistic_offer_does_not_wait_for_locks(bench: Workbench, shop: Shop) -> None:
    """A cancellation does not wait; the skipped entry gets its offer from settling."""
    booked = shop.book(at(9))
    wish = m.JoinWaitlist(offering_id=shop.offering.offering_id, customer_id=shop.stranger.id, start=at(9), end=at(10))
    shop.port.join_waitlist(shop.stranger.writes(), wish)
    with bench.administrator() as somebody, somebody.transaction():
        somebody.execute(
            "SELECT 1 FROM scheduling.offering WHERE offering_id = %s FOR NO KEY UPDATE", (booked.offering_id,)
        )
        assert cancel(shop, booked, shop.staff).status == "cancelled"
        assert standing(shop, "held") == []
    assert settle(shop).offered == 1
    require_claimed(bench, shop)


@pytest.mark.parametrize("threads", [2, 8, 16])
@pytest.mark.parametrize("other", [approve, decline])
def test_a_pending_appointment_is_decided_once(bench: Workbench, shop: Shop, threads: int, other: Any) -> None:
    shop.change_offering(requires_approval=True)
    asked = shop.book(at(9))
    decisions: list[Call] = [*[partial(approve, shop, asked)] * (threads - 1), partial(other, shop, asked)]
    results = at_once(decisions)
    assert len(accepted(results)) == 1
    assert {type(each) for each in refusals(results)} == {InvalidTransition}
    assert bench.count("history", shop.business_id) == 2
    require_claimed(bench, shop)


@pytest.mark.parametrize("threads", [2, 16])
def test_a_hold_is_confirmed_once(bench: Workbench, shop: Shop, threads: int) -> None:
    held = hold(shop, at(9))
    calls: list[Call] = [partial(confirm, shop, held)] * threads
    results = at_once(calls)
    assert len(accepted(results)) == 1
    assert {type(each) for each in refusals(results)} == {InvalidTransition}
    assert bench.count("outbox", shop.business_id) == 2


def test_confirming_against_cancelling(bench: Workbench, shop: Shop) -> None:
    for n in range(8):
        held = hold(shop, at(9 + n))
        calls: list[Call] = [partial(confirm, shop, held), partial(cancel, shop, held)]
        confirmed, back = at_once(calls)
        assert isinstance(back, m.Appointment)
        assert isinstance(confirmed, m.Appointment | InvalidTransition)
        assert get(shop, held).status == "cancelled"
    require_claimed(bench, shop)


def yoga(shop: Shop, capacity: int) -> dict[str, Any]:
    offering = shop.add_offering("Yoga", duration_minutes=60, capacity=capacity)
    return {"offering_id": offering.offering_id}


@pytest.mark.parametrize("threads", [2, 8, 32, 64])
def test_the_last_seat_is_booked_once(bench: Workbench, shop: Shop, threads: int) -> None:
    fields = yoga(shop, 3)
    for _ in range(2):
        shop.book(at(9), customer_of(shop.business_id), **fields)
    deadlocks = bench.deadlocks()
    results = at_once(bookers(shop, threads, **fields))
    assert len(accepted(results)) == 1
    require_taken(results, "full")
    require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks


@pytest.mark.parametrize("threads", [8, 32])
def test_a_new_session_is_opened_once(bench: Workbench, shop: Shop, threads: int) -> None:
    fields = yoga(shop, 5)
    deadlocks = bench.deadlocks()
    results = at_once(bookers(shop, threads, **fields))
    assert len(accepted(results)) == 5
    assert {each.details().get("reason") for each in refusals(results)} <= {"full", "taken"}
    assert bench.count("session", shop.business_id) == 1
    require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks


def test_leaving_a_session_against_joining_it(bench: Workbench, shop: Shop) -> None:
    fields = yoga(shop, 2)
    deadlocks = bench.deadlocks()
    last = shop.book(at(9), **fields)
    for _ in range(6):
        leaving: Call = partial(cancel, shop, last, shop.staff)
        results = at_once([leaving, *bookers(shop, 3, **fields)])
        assert isinstance(results[0], m.Appointment)
        assert 1 <= len(accepted(results[1:])) <= 2
        require_claimed(bench, shop)
        for each in accepted(results[1:])[1:]:
            cancel(shop, each, shop.staff)
        last = accepted(results[1:])[0]
    assert ids(standing(shop)) == ids([last])
    assert bench.deadlocks() == deadlocks


def test_concurrent_holds_confirmations_and_moves_of_seats(bench: Workbench, shop: Shop) -> None:
    fields = yoga(shop, 4)
    deadlocks = bench.deadlocks()
    for day in range(4):
        several = [hold(shop, at(9, day=day), customer_of(shop.business_id), **fields) for _ in range(3)]
        expire(bench, several[0])
        booked = shop.book(at(10, day=day), **fields)
        calls: list[Call] = [
            partial(confirm, shop, several[1], shop.staff),
            partial(cancel, shop, several[2], shop.staff),
            partial(move, shop, booked, at(9, day=day), shop.staff),
            *[partial(shop.book, at(9, day=day), customer_of(shop.business_id), **fields) for _ in range(6)],
        ]
        results = at_once(calls)
        assert not refusals(results[:2])
        require_taken(results, "full")
        require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks
