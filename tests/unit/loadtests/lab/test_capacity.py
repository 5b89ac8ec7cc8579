"""The capacity search, on simulated arms with a known capacity."""

import pytest

from loadtests.lab.measuring.capacity import CLOSE_ENOUGH, FIRST_RATE, StepLengths, find_capacity
from loadtests.lab.results.model import Step

LENGTHS = StepLengths(rung=3.0, bisection=5.0, bisections=5)


class SimulatedArm:
    """Sustains `capacity` requests a second; steps whose numbers are in `disturbed` always fail."""

    def __init__(self, capacity: float, disturbed: tuple[int, ...] = ()) -> None:
        self._capacity = capacity
        self._disturbed = disturbed
        self.rates: list[float] = []

    def probe(self, rate: float, seconds: float) -> Step:
        self.rates.append(rate)
        succeeds = rate <= self._capacity and len(self.rates) not in self._disturbed
        return Step(arm="M1", rate=rate, good=1.0 if succeeds else 0.5, goodput=rate, p99_ms=None)


@pytest.mark.parametrize("capacity", [30.0, 187.0, 400.0, 2_900.0])
def test_result_is_close_to_the_capacity_and_not_above_it(capacity: float) -> None:
    found = find_capacity(SimulatedArm(capacity), LENGTHS, lambda step: None)
    assert capacity / CLOSE_ENOUGH <= found <= capacity


def test_one_disturbed_step_does_not_change_the_result() -> None:
    undisturbed = find_capacity(SimulatedArm(400.0), LENGTHS, lambda step: None)
    for step in (1, 3, 5):
        assert find_capacity(SimulatedArm(400.0, disturbed=(step,)), LENGTHS, lambda step: None) == undisturbed


def test_every_step_is_reported_and_a_rate_fails_after_two_consecutive_steps() -> None:
    arm = SimulatedArm(60.0)
    reported: list[Step] = []
    find_capacity(arm, StepLengths(3.0, 5.0, 1), reported.append)
    assert [step.rate for step in reported] == arm.rates
    assert arm.rates[:4] == [FIRST_RATE, 2 * FIRST_RATE, 4 * FIRST_RATE, 4 * FIRST_RATE]


def test_capacity_of_a_failing_arm_is_below_the_first_rate() -> None:
    assert find_capacity(SimulatedArm(1.0), LENGTHS, lambda step: None) < FIRST_RATE
