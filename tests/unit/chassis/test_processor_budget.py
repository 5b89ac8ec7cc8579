"""Pauses after long computations."""

from random import Random

import pytest

from contracts.chassis.processor_budget import (
    LONG_SECONDS,
    LONGEST_PAUSE,
    LONGEST_PAUSE_FOR_WAITING,
    USAGE_SECONDS,
    ProcessorBudget,
    RecentUsage,
)
from tests.unit.clock import Clock

CREDIT = 0.02
SHARE_OF_LONG = 1 / 8


def budget_at(clock: Clock) -> ProcessorBudget:
    return ProcessorBudget(credit=CREDIT, share_of_long=SHARE_OF_LONG, now=clock)


@pytest.mark.parametrize("at_once", [1, 3])
@pytest.mark.parametrize(("seconds", "share", "expected"), [(0.003, 1 / 4, 1 / 4), (0.05, 1 / 4, SHARE_OF_LONG)])
def test_searches_get_their_share_and_no_more(seconds: float, share: float, expected: float, at_once: int) -> None:
    clock = Clock()
    budget, used = budget_at(clock), 0.0
    for _ in range(100_000):
        if budget.allows("busy"):
            clock.seconds += seconds * at_once
            for _ in range(at_once):
                budget.charge("busy", seconds, share)
            used += seconds * at_once
        clock.seconds += 0.0005
    assert used / (clock.seconds - 1000) == pytest.approx(expected, rel=0.05)


def test_usual_traffic_never_pauses_and_tenants_are_independent() -> None:
    clock = Clock()
    budget = budget_at(clock)
    for _ in range(1000):
        assert budget.allows("calm")
        budget.charge("calm", 0.004, 1 / 4)
        clock.seconds += 0.02
    budget.charge("busy", 1.0, 1 / 4)
    assert (budget.allows("calm"), budget.allows("busy")) == (True, False)


def test_credit_is_used_at_once_after_a_rest() -> None:
    budget, used = budget_at(Clock()), 0.0
    while budget.allows("one"):
        budget.charge("one", LONG_SECONDS / 10, 1 / 4)
        used += LONG_SECONDS / 10
    assert used == pytest.approx(CREDIT, abs=LONG_SECONDS / 10)


def test_pause_is_bounded_and_past_ones_are_forgotten() -> None:
    clock = Clock()
    budget = budget_at(clock)
    for number in range(3000):
        budget.charge(f"tenant {number}", 1e6, 1 / 4)
        clock.seconds += LONGEST_PAUSE / 100
    assert len(vars(budget)["_pauses_until"]) <= 1000
    clock.seconds += LONGEST_PAUSE
    assert budget.allows("tenant 2999")


def test_others_that_have_used_up_their_shares_are_counted_as_a_scan_of_all_tenants_would() -> None:
    clock, random = Clock(), Random(7)
    budget = budget_at(clock)
    tenants = [f"tenant {number}" for number in range(12)]
    counted = set()
    for _ in range(3000):
        budget.charge(random.choice(tenants), random.choice([0.001, 0.004, 0.05]), 1 / 4)
        clock.seconds += random.choice([0.0, 0.003, 0.05])
        if random.random() < 0.02:
            clock.seconds += LONGEST_PAUSE
        since = clock.seconds - LONG_SECONDS
        pauses = vars(budget)["_pauses_until"]
        for tenant in (tenants[0], "another"):
            expected = sum(until > since for other, until in pauses.items() if other != tenant)
            assert budget.used_up_by_others(tenant) == expected
            counted.add(expected)
    assert {0, 1, 5} < counted


def test_what_is_stored_about_used_up_shares_is_bounded_by_the_longest_pause() -> None:
    clock = Clock()
    budget = budget_at(clock)
    for number in range(3000):
        budget.charge(f"tenant {number % 50}", 1.0, 1 / 4)
        budget.used_up_by_others("another")
        clock.seconds += LONGEST_PAUSE / 100
    assert len(vars(budget)["_ends"]) <= 102
    clock.seconds += LONGEST_PAUSE + 2 * LONG_SECONDS
    assert budget.used_up_by_others("another") == 0
    assert not vars(budget)["_ends"]


def test_waiting_for_a_processor_is_charged_and_makes_no_long_search() -> None:
    clock = Clock()
    budget = budget_at(clock)
    budget.charge("one", 0.01, 1 / 4, waited=0.09)
    clock.seconds += 0.1 * 4 - CREDIT * 4 - 0.001
    assert not budget.allows("one")
    clock.seconds += 0.002
    assert budget.allows("one")


def test_waiting_alone_causes_a_short_pause_only() -> None:
    clock = Clock()
    budget = budget_at(clock)
    for _ in range(8):
        budget.charge("one", 0.0, 1 / 4, waited=1.0)
    clock.seconds += LONGEST_PAUSE_FOR_WAITING - 0.001
    assert not budget.allows("one")
    clock.seconds += 0.002
    assert budget.allows("one")


def test_waiting_never_shortens_the_pause_after_a_long_search() -> None:
    clock = Clock()
    budget = budget_at(clock)
    budget.charge("one", 1.0, 1 / 4)
    budget.charge("one", 0.0, 1 / 4, waited=1.0)
    clock.seconds += LONGEST_PAUSE - 0.001
    assert not budget.allows("one")


def test_tenant_that_nothing_limits_owes_the_pause_of_one_request() -> None:
    clock = Clock()
    budget = budget_at(clock)
    for _ in range(1000):
        budget.charge("one", 0.01, 1 / 4, limited=False)
        clock.seconds += 0.01
    assert not budget.allows("one")
    clock.seconds += 0.04
    assert budget.allows("one")


def test_whether_all_have_used_up_their_shares() -> None:
    clock = Clock()
    budget = budget_at(clock)
    budget.charge("one", 1.0, 1 / 4)
    assert budget.all_used_up([])
    assert budget.all_used_up(["one"])
    assert not budget.all_used_up(["one", "two"])
    clock.seconds += LONGEST_PAUSE + LONG_SECONDS
    assert not budget.all_used_up(["one"])


def test_usage_is_forgotten_with_time_and_bounded_in_number() -> None:
    clock = Clock()
    usage = RecentUsage(clock)
    for _ in range(10_000):
        usage.add("steady", 0.002)
        clock.seconds += 0.01
    assert usage.of("steady") == pytest.approx(0.2, rel=0.05)
    clock.seconds += 10 * USAGE_SECONDS
    assert usage.of("steady") < 0.001
    for number in range(3000):
        usage.add(f"tenant {number}", 0.001)
        clock.seconds += USAGE_SECONDS / 100
    assert len(vars(usage)["_used"]) <= 1000
    assert usage.of("unknown") == 0
