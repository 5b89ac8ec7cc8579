"""Concurrent assigned, collective and limited bookings."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import SlotUnavailable
from tests.contract.port.appointments import move
from tests.contract.port.shop import Shop, at, customer_of
from tests.integration.engine.race_invariants import (
    accepted,
    refusals,
    require_apart,
    require_claimed,
    require_taken,
    standing,
)
from tests.integration.engine.workbench import Background, Workbench, at_once


def anybody(shop: Shop, hour: int = 9, *, day: int = 0, **fields: Any) -> Callable[[], m.Appointment]:
    return partial(shop.book, at(hour, day=day), customer_of(shop.business_id), **{"provider_id": None, **fields})


def team(shop: Shop, more: int) -> list[m.Provider]:
    return [shop.provider, *(shop.add_provider(f"Provider {n}") for n in range(more))]


@pytest.mark.parametrize("assignment", ["round_robin", "weighted", "most_free"])
@pytest.mark.parametrize(("free", "threads"), [(3, 8), (5, 32), (10, 64)])
def test_k_free_providers_get_exactly_k_bookings(
    bench: Workbench, shop: Shop, assignment: str, free: int, threads: int
) -> None:
    team(shop, free - 1)
    shop.change_offering(assignment=assignment)
    deadlocks = bench.deadlocks()
    results = at_once([anybody(shop) for _ in range(threads)])
    assert len({each.provider_id for each in accepted(results)}) == len(accepted(results)) == free
    require_taken(results)
    require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks


@pytest.mark.parametrize("threads", [8, 32])
def test_assigned_bookings_against_named_ones(bench: Workbench, shop: Shop, threads: int) -> None:
    several = team(shop, 3)
    deadlocks = bench.deadlocks()
    named = [anybody(shop, provider_id=several[n % 4].provider_id) for n in range(threads)]
    results = at_once([*(anybody(shop) for _ in range(threads)), *named])
    assert len(accepted(results)) == 4
    require_taken(results)
    require_apart(standing(shop))
    assert bench.deadlocks() == deadlocks


def test_a_booking_waits_for_its_offerings_lock_only_if_a_provider_is_free(bench: Workbench, shop: Shop) -> None:
    shop.book(at(9))
    with bench.administrator() as somebody, somebody.transaction():
        somebody.execute(
            "SELECT 1 FROM scheduling.offering WHERE offering_id = %s FOR NO KEY UPDATE", (shop.offering.offering_id,)
        )
        with pytest.raises(SlotUnavailable):
            anybody(shop, 9)()
        waiting = Background(anybody(shop, 10))
        bench.waiting("scheduling.offering")
        taken = Background(anybody(shop, 10, provider_id=shop.provider.provider_id)).result()
    with pytest.raises(SlotUnavailable):
        waiting.result()
    assert taken.starts_at == at(10)
    require_claimed(bench, shop)


def test_concurrent_assignments_keep_the_rotation(bench: Workbench, shop: Shop) -> None:
    """At different hours all providers are free, so each gets the same number."""
    several = team(shop, 2)
    results = at_once([anybody(shop, hour, day=day) for hour in (9, 10, 11, 12, 13, 14) for day in (0, 1)])
    assert not refusals(results)
    assert set(Counter(each.provider_id for each in accepted(results)).values()) == {4}
    assert len(several) == 3


def test_concurrent_assignments_keep_the_weights(shop: Shop) -> None:
    shop.change_offering(assignment="weighted")
    heavy = shop.add_provider(weight=3)
    results = at_once([anybody(shop, hour) for hour in range(9, 17)])
    given = Counter(each.provider_id for each in accepted(results))
    assert given == {heavy.provider_id: 6, shop.provider.provider_id: 2}


@pytest.mark.parametrize("threads", [8, 24])
def test_concurrent_collective_bookings_are_all_or_none(bench: Workbench, shop: Shop, threads: int) -> None:
    several = team(shop, 2)
    duet = shop.add_offering("Duet", duration_minutes=60, assignment="collective", assign=False)
    for each in several:
        shop.perform(duet, provider=each)
    deadlocks = bench.deadlocks()
    named = [anybody(shop, provider_id=several[n % 3].provider_id) for n in range(threads)]
    together = [anybody(shop, offering_id=duet.offering_id) for _ in range(threads)]
    results = at_once([call for pair in zip(together, named, strict=True) for call in pair])
    won = accepted(results)
    assert len(won) in (1, 3)
    assert {len(each.provider_ids) for each in won} == ({3} if len(won) == 1 else {0})
    require_taken(results)
    require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks


@pytest.mark.parametrize("threads", [8, 32])
def test_concurrent_bookings_never_exceed_the_rooms(bench: Workbench, shop: Shop, threads: int) -> None:
    several = team(shop, 5)
    for n in range(3):
        shop.add_resource(f"Room {n}")
    facial = shop.add_offering(
        "Facial", duration_minutes=60, needs=(m.ResourceNeed(kind="room"),), assign=False, assignment="round_robin"
    )
    for each in several:
        shop.perform(facial, provider=each)
    deadlocks = bench.deadlocks()
    results = at_once([anybody(shop, offering_id=facial.offering_id) for _ in range(threads)])
    assert len({each.resource_ids for each in accepted(results)}) == len(accepted(results)) == 3
    require_taken(results, "no_resource")
    require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks


@pytest.mark.parametrize("threads", [4, 16])
def test_concurrent_bookings_respect_a_customers_limit(bench: Workbench, shop: Shop, threads: int) -> None:
    shop.change_offering(limits=m.Limits(customer_day=2))
    team(shop, threads - 1)
    calls = [partial(shop.book, at(9 + n % 8), shop.customer, provider_id=None) for n in range(threads)]
    results = at_once(calls)
    assert len(accepted(results)) == 2
    require_taken(results, "customer_limit")


@pytest.mark.parametrize("threads", [4, 8])
def test_concurrent_bookings_respect_a_providers_limit(bench: Workbench, shop: Shop, threads: int) -> None:
    shop.change_offering(limits=m.Limits(provider_day=2))
    calls = [partial(shop.book, at(9 + n), customer_of(shop.business_id)) for n in range(threads)]
    results = at_once(calls)
    assert len(accepted(results)) == 2
    require_taken(results, "provider_limit")
    assert len(standing(shop)) == 2


def test_swapping_between_two_providers_does_not_deadlock(bench: Workbench, shop: Shop) -> None:
    """Each conflicts with the other, so both are refused; neither waits forever."""
    zoe = shop.add_provider()
    deadlocks = bench.deadlocks()
    for hour in range(9, 17):
        mine, hers = shop.book(at(hour)), shop.book(at(hour), provider_id=zoe.provider_id)
        there = partial(move, shop, mine, at(hour), shop.staff, provider_id=zoe.provider_id)
        back = partial(move, shop, hers, at(hour), shop.staff, provider_id=shop.provider.provider_id)
        results = at_once([there, back])
        require_taken(results)
        assert len(refusals(results)) == 2
    require_apart(standing(shop))
    require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks


@pytest.mark.row("F20")
def test_crossing_reschedules_between_two_providers(bench: Workbench, shop: Shop) -> None:
    shop.change_offering(step_minutes=15)
    zoe = shop.add_provider()
    several = [shop.book(at(9 + 2 * n), provider_id=p.provider_id) for n in range(4) for p in (shop.provider, zoe)]
    deadlocks = bench.deadlocks()
    for day in range(1, 5):
        to = [at(9, 15 * (n % 3), day=day) for n in range(len(several))]
        providers = [(zoe, shop.provider)[n % 2].provider_id for n in range(len(several))]
        results = at_once(
            [
                partial(move, shop, each, start, shop.staff, provider_id=provider_id)
                for each, start, provider_id in zip(several, to, providers, strict=True)
            ]
        )
        require_taken(results)
        assert len(accepted(results)) == 2
        several = [now if isinstance(now, m.Appointment) else was for now, was in zip(results, several, strict=True)]
    require_apart(standing(shop))
    require_claimed(bench, shop)
    assert bench.deadlocks() == deadlocks


def test_overbooking_against_booking(bench: Workbench, shop: Shop) -> None:
    """At most one appointment is not marked as overbooked."""
    squeeze = partial(shop.port.book, request=shop.booking(overbook=True))
    calls: list[Callable[[], m.Appointment]] = [anybody(shop, provider_id=shop.provider.provider_id) for _ in range(8)]
    results = at_once([*calls, *[lambda: squeeze(shop.staff.writes()) for _ in range(4)]])
    require_taken(results)
    assert len([each for each in accepted(results) if not each.overbooked]) == 1
    require_claimed(bench, shop)
