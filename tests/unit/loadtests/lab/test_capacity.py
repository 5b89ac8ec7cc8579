"""The search for a capacity, on arms whose capacity is known."""

from collections.abc import Callable

import pytest

from loadtests.generator.estimates import student_quantile
from loadtests.lab.measuring.capacity import MAX_RATE, Bracket, CapacitySearch
from loadtests.lab.verdict.capacities import estimate_capacity, mean_ratio
from tests.unit.loadtests.lab.laboratories import THRESHOLDS

STEP = THRESHOLDS.search.step


def search(start: float, outcome: Callable[[float], bool | None]) -> tuple[Bracket, list[float]]:
    """Run a search; return its bracket and the rates that it tried."""
    found, rates = CapacitySearch(start, THRESHOLDS.search), []
    while (rate := found.next_rate()) is not None:
        rates.append(rate)
        found.record(rate, outcome(rate))
    return found.bracket(), rates


@pytest.mark.parametrize("capacity", [3.0, 30.0, 187.0, 400.0, 2_900.0])
@pytest.mark.parametrize("start", [25.0, 180.0])
def test_bracket_contains_the_capacity_between_two_neighbouring_rates(capacity: float, start: float) -> None:
    bracket, _ = search(start, lambda rate: rate <= capacity)
    assert bracket.kept is not None
    assert bracket.broken is not None
    assert bracket.kept <= capacity < bracket.broken
    assert bracket.broken / bracket.kept == pytest.approx(STEP)


def test_good_start_requires_two_trials() -> None:
    _, rates = search(100.0, lambda rate: rate <= 104)
    assert rates == [100.0, pytest.approx(100 * STEP)]


def test_distant_start_is_reached_with_growing_steps() -> None:
    _, rates = search(25.0, lambda rate: rate <= 800)
    assert len(rates) < 14, "the grid has 45 rates in between"


def test_trial_that_does_not_count_is_repeated_twice_and_then_ends_the_search() -> None:
    """The generator's validity counts in the search, too: a rate is not lost because the generator was late."""
    once = iter([None, True, False])
    bracket, rates = search(100.0, lambda _rate: next(once))
    assert rates == [100.0, 100.0, pytest.approx(100 * STEP)]
    assert bracket.complete
    bracket, rates = search(100.0, lambda _rate: None)
    assert (bracket, len(rates)) == (Bracket(None, None), THRESHOLDS.search.repeats + 1)


def test_arm_without_a_limit_has_no_capacity() -> None:
    bracket, rates = search(100.0, lambda _rate: True)
    assert (bracket.broken, bracket.capacity) == (None, None)
    assert max(rates) <= MAX_RATE * STEP


def test_interval_is_students_around_the_geometric_mean() -> None:
    brackets = [Bracket(90.0, 97.2), Bracket(100.0, 108.0), Bracket(130.0, 140.4)]
    found = estimate_capacity(brackets, error=0.05)
    product = 1.0
    for bracket in brackets:
        product *= bracket.capacity or 0.0
    assert found.value == pytest.approx(product ** (1 / 3)), "not the median, which has another interval"
    assert found.low < 90 * 0.95
    assert found.high > 140.4 * 1.05
    assert student_quantile(0.975, 2) == pytest.approx(4.3027, abs=1e-3)


def test_interval_is_never_narrower_than_the_grid() -> None:
    found = estimate_capacity([Bracket(100.0, 108.0)] * 8, error=0.05)
    assert found.low == pytest.approx(100)
    assert found.high == pytest.approx(108)


def test_mean_ratio_is_the_centre_of_its_interval() -> None:
    found = mean_ratio([0.5, 1.0, 1.0, 1.1], error=0.05)
    assert found.value**2 == pytest.approx(found.low * found.high)
