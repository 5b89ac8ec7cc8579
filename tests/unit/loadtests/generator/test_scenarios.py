"""Shapes of the scenarios, and of the arrivals they produce."""

import math
from itertools import pairwise

import pytest

from loadtests.generator.arrivals import poisson_schedule
from loadtests.generator.scenarios import PEAK_BY_MEAN, SCENARIOS, daily_peak, find_scenario, stampede, step_ladder

FINE = 10_000


@pytest.mark.parametrize("name", SCENARIOS)
def test_shape_is_a_share_of_the_full_rate(name: str) -> None:
    found = find_scenario(name)
    shape = found.shape(found.seconds)
    values = [shape(step / FINE) for step in range(FINE + 1)]
    assert min(values) > 0
    assert max(values) <= 1
    assert math.isclose(max(values), 1, rel_tol=0.01)


def test_busiest_hour_is_three_point_six_times_the_mean() -> None:
    mean = sum(daily_peak((step + 0.5) / FINE) for step in range(FINE)) / FINE
    assert math.isclose(1 / mean, PEAK_BY_MEAN, rel_tol=1e-3)
    assert daily_peak(0.5) == daily_peak(0.45) == 1.0
    assert daily_peak(0.0) == daily_peak(0.3) < 0.12


def test_daily_peak_is_continuous() -> None:
    assert all(abs(daily_peak(a / FINE) - daily_peak(b / FINE)) < 0.01 for a, b in pairwise(range(FINE + 1)))


def test_stampede_rises_tenfold_within_two_seconds() -> None:
    shape = stampede(100.0)
    assert math.isclose(shape(0.19), 0.1)
    assert math.isclose(shape(0.21), 0.55)
    assert math.isclose(shape(0.22), 1.0)
    assert math.isclose(shape(0.42), 0.1 + 0.9 / math.e)


def test_step_ladder_has_equal_steps() -> None:
    shape = step_ladder(4)
    assert [shape(moment) for moment in (0.0, 0.24, 0.25, 0.5, 0.75, 0.99, 1.0)] == [
        0.25,
        0.25,
        0.5,
        0.75,
        1.0,
        1.0,
        1.0,
    ]


def test_arrivals_have_the_shape() -> None:
    found = find_scenario("stampede")
    arrivals = poisson_schedule({"book": 300.0}, found.shape(found.seconds), found.seconds, seed=1)
    calm = sum(arrival.at < 18 for arrival in arrivals) / 18
    height = sum(20 <= arrival.at < 22 for arrival in arrivals) / 2
    assert 20 < calm < 40
    assert 240 < height < 330


def test_unknown_scenario_is_reported_with_the_available_ones() -> None:
    known = "steady, idle, peak_hour, daily_peak, stampede, step_ladder"
    with pytest.raises(LookupError, match=f"unknown scenario 'lunch'; available: {known}"):
        find_scenario("lunch")
