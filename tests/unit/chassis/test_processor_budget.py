"""Pauses after long computations."""

import pytest

from contracts.chassis.processor_budget import FREE_SECONDS, LONGEST_PAUSE, SHARE, ProcessorBudget


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.mark.parametrize("at_once", [1, 3])
def test_long_computations_get_their_share_and_no_more(at_once: int) -> None:
    clock = Clock()
    budget, used = ProcessorBudget(clock), 0.0
    for _ in range(10_000):
        if budget.allows("busy"):
            clock.seconds += 0.05 * at_once
            for _ in range(at_once):
                budget.charge("busy", 0.05)
            used += 0.05 * at_once
        clock.seconds += 0.01
    assert used / (clock.seconds - 1000) == pytest.approx(SHARE, rel=0.05)


def test_short_computations_cost_nothing_and_tenants_are_independent() -> None:
    budget = ProcessorBudget(Clock())
    for _ in range(1000):
        budget.charge("calm", FREE_SECONDS)
    budget.charge("busy", 1.0)
    assert (budget.allows("calm"), budget.allows("busy")) == (True, False)


def test_pause_is_bounded_and_past_ones_are_forgotten() -> None:
    clock = Clock()
    budget = ProcessorBudget(clock)
    for number in range(3000):
        budget.charge(f"tenant {number}", 1e6)
        clock.seconds += LONGEST_PAUSE / 100
    assert len(vars(budget)["_pauses_until"]) <= 1000
    clock.seconds += LONGEST_PAUSE
    assert budget.allows("tenant 2999")
