import math
from itertools import pairwise

import pytest

from loadtests.generator.arrivals import constant_rate, peak_hour, poisson_schedule


def times(rate: float, seconds: float, seed: int) -> list[float]:
    return [arrival.at for arrival in poisson_schedule({"search": rate}, constant_rate, seconds, seed)]


def test_schedule_depends_on_the_seed_only() -> None:
    rates = {"search": 30.0, "book": 4.0}
    assert poisson_schedule(rates, peak_hour, 60, seed=7) == poisson_schedule(rates, peak_hour, 60, seed=7)
    assert poisson_schedule(rates, peak_hour, 60, seed=7) != poisson_schedule(rates, peak_hour, 60, seed=8)


def test_arrivals_are_ascending_and_within_the_run() -> None:
    found = poisson_schedule({"search": 30.0, "book": 4.0}, peak_hour, 60, seed=1)
    assert found == sorted(found)
    assert 0 <= found[0].at < found[-1].at < 60


def test_journeys_are_independent() -> None:
    alone = poisson_schedule({"book": 4.0}, constant_rate, 60, seed=3)
    mixed = poisson_schedule({"search": 50.0, "book": 4.0}, constant_rate, 60, seed=3)
    assert [arrival for arrival in mixed if arrival.journey == "book"] == alone


def test_each_journey_has_its_rate() -> None:
    found = poisson_schedule({"search": 64.0, "book": 8.0}, constant_rate, 500, seed=4)
    searches = sum(arrival.journey == "search" for arrival in found)
    assert searches == pytest.approx(32_000, abs=4 * math.sqrt(32_000))
    assert len(found) - searches == pytest.approx(4_000, abs=4 * math.sqrt(4_000))


def test_gaps_are_exponential() -> None:
    """Gaps of a Poisson process have equal mean and standard deviation, and exceed the mean with probability 1/e."""
    gaps = [later - earlier for earlier, later in pairwise(times(100, 200, seed=5))]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert deviation == pytest.approx(mean, rel=0.05)
    assert sum(gap > mean for gap in gaps) / len(gaps) == pytest.approx(1 / math.e, abs=0.02)


def test_shape_thins_the_arrivals() -> None:
    found = poisson_schedule({"search": 200.0}, peak_hour, 400, seed=6)
    first, plateau = (sum(begin <= arrival.at < begin + 20 for arrival in found) / 20 for begin in (0, 190))
    assert plateau == pytest.approx(200, rel=0.1)
    assert first == pytest.approx(200 * 0.21, rel=0.2)


@pytest.mark.parametrize("moment, share", [(0.0, 0.2), (0.125, 0.6), (0.25, 1.0), (0.5, 1.0), (0.875, 0.6), (1.0, 0.2)])
def test_peak_hour_rises_stays_and_falls(moment: float, share: float) -> None:
    assert peak_hour(moment) == pytest.approx(share)


def test_rate_zero_gives_no_arrivals() -> None:
    assert poisson_schedule({"search": 0.0}, constant_rate, 60, seed=1) == []
