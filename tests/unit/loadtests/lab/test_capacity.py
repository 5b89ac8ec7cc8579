"""The search for R*: what it finds of an arm whose capacity one knows."""

import pytest

from loadtests.lab.measuring.capacity import CLOSE_ENOUGH, FIRST_RATE, StepLengths, find_capacity
from loadtests.lab.results.model import Step

LENGTHS = StepLengths(rung=3.0, bisection=5.0, bisections=5)


class Known:
    """Bears so many a second; fails at the steps that are named, by their number, whatever it is asked."""

    def __init__(self, capacity: float, disturbed: tuple[int, ...] = ()) -> None:
        self._capacity = capacity
        self._disturbed = disturbed
        self.asked: list[float] = []

    def ask(self, rate: float, seconds: float) -> Step:
        self.asked.append(rate)
        bears = rate <= self._capacity and len(self.asked) not in self._disturbed
        return Step(arm="M1", rate=rate, good=1.0 if bears else 0.5, goodput=rate, p99_ms=None)


@pytest.mark.parametrize("capacity", [30.0, 187.0, 400.0, 2_900.0])
def test_it_comes_close_from_below(capacity: float) -> None:
    found = find_capacity(Known(capacity), LENGTHS, lambda step: None)
    assert capacity / CLOSE_ENOUGH <= found <= capacity


def test_one_step_in_which_the_machine_did_something_else_changes_nothing() -> None:
    undisturbed = find_capacity(Known(400.0), LENGTHS, lambda step: None)
    for step in (1, 3, 5):
        assert find_capacity(Known(400.0, disturbed=(step,)), LENGTHS, lambda step: None) == undisturbed


def test_every_step_is_told_and_a_rate_is_given_up_after_two_in_a_row() -> None:
    arm = Known(60.0)
    told: list[Step] = []
    find_capacity(arm, StepLengths(3.0, 5.0, 1), told.append)
    assert [step.rate for step in told] == arm.asked
    assert arm.asked[:4] == [FIRST_RATE, 2 * FIRST_RATE, 4 * FIRST_RATE, 4 * FIRST_RATE]


def test_an_arm_that_bears_nothing_has_less_than_what_it_was_asked_first() -> None:
    assert find_capacity(Known(1.0), LENGTHS, lambda step: None) < FIRST_RATE
