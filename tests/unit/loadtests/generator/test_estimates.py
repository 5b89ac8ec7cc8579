"""Estimates compared with published tables and with values computed by hand."""

import math
import random

import pytest

from loadtests.generator.estimates import Estimate, mean, percentile, positive, ratio, student_quantile

TABLE = [
    (0.975, 1, 12.7062),
    (0.975, 2, 4.3027),
    (0.975, 3, 3.1824),
    (0.975, 4, 2.7764),
    (0.975, 7, 2.3646),
    (0.975, 9, 2.2622),
    (0.975, 30, 2.0423),
    (0.975, 1000, 1.9623),
    (0.95, 5, 2.0150),
    (0.995, 10, 3.1693),
]


@pytest.mark.parametrize("probability, degrees, expected", TABLE)
def test_student_quantiles_match_the_tables(probability: float, degrees: int, expected: float) -> None:
    assert student_quantile(probability, degrees) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("probability, degrees", [(0.4, 3), (1.0, 3), (0.975, 0)])
def test_undefined_quantiles_are_rejected(probability: float, degrees: int) -> None:
    with pytest.raises(ValueError, match="quantile"):
        student_quantile(probability, degrees)


@pytest.mark.parametrize(
    "share, expected", [(0.5, 10), (0.95, 19), (0.951, 20), (0.99, 20), (1.0, 20), (0.05, 1), (0.0001, 1)]
)
def test_percentile_is_one_of_the_values(share: float, expected: int) -> None:
    rows = [float(number) for number in range(1, 21)]
    random.Random(1).shuffle(rows)
    assert percentile(rows, share) == expected


def test_single_value_is_every_percentile() -> None:
    assert percentile([7.0], 0.5) == percentile([7.0], 0.99) == 7.0


def test_percentile_requires_values() -> None:
    with pytest.raises(ValueError, match="requires values"):
        percentile([], 0.5)


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, math.nan])
def test_share_out_of_range_is_rejected(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        percentile([1.0], share)


def test_ratio_is_the_geometric_mean_with_students_interval_on_the_logarithms() -> None:
    found = ratio([(2.0, 1.0), (4.0, 1.0), (8.0, 1.0)])
    half = 4.30265 * math.log(2) / math.sqrt(3)
    assert found.value == pytest.approx(4.0)
    assert found.low == pytest.approx(4.0 * math.exp(-half), rel=1e-4)
    assert found.high == pytest.approx(4.0 * math.exp(half), rel=1e-4)
    assert found.n == 3


def test_value_is_the_centre_of_its_interval_for_skewed_measurements() -> None:
    """The median of these values is far from the centre of the interval."""
    found = positive([1.0, 1.0, 1.0, 1.0, 1.001, 40.0, 41.0, 42.0, 43.0])
    assert found.low < found.value < found.high
    assert found.value == pytest.approx(math.sqrt(found.low * found.high))


def test_mean_has_students_interval() -> None:
    found = mean([1.0, 2.0, 3.0])
    assert (found.value, found.n) == (2.0, 3)
    assert found.high - found.value == pytest.approx(4.30265 / math.sqrt(3), rel=1e-4)
    assert mean([1.0]) == Estimate(1.0, -math.inf, math.inf, 1)


def test_equal_pairs_have_an_interval_of_zero_width() -> None:
    assert ratio([(3.0, 2.0)] * 5) == pytest.approx((1.5, 1.5, 1.5, 5))


def test_one_pair_has_an_unbounded_interval() -> None:
    assert ratio([(3.0, 2.0)]) == Estimate(1.5, 0.0, math.inf, 1)


@pytest.mark.parametrize("pairs", [[], [(0.0, 1.0)], [(1.0, 0.0)], [(1.0, 1.0), (math.nan, 1.0)]])
def test_non_positive_pairs_are_rejected(pairs: list[tuple[float, float]]) -> None:
    with pytest.raises(ValueError, match="positive"):
        ratio(pairs)


def test_interval_has_the_stated_coverage() -> None:
    """4,000 experiments of 8 pairs each, whose logarithms are normal about log 0.7."""
    chance = random.Random(20)
    covered = 0
    for _ in range(4_000):
        found = positive([0.7 * math.exp(chance.gauss(0, 0.1)) for _ in range(8)])
        covered += found.low <= 0.7 <= found.high
    assert covered / 4_000 == pytest.approx(0.95, abs=0.012)
