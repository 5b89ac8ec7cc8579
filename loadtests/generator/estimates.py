"""Percentiles of raw rows, and intervals for what is repeated: pure functions, from the standard library only.

Not called `statistics`: Locust puts this folder first on the path, where that would hide the standard library's.
"""

import math
from collections.abc import Sequence
from statistics import fmean, median, stdev
from typing import NamedTuple

CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A figure with the interval that holds the true one in 95 of 100 experiments like this one.

    `low` and `high` are infinite or zero where `n` is too small to say anything.
    """

    value: float
    low: float
    high: float
    n: int


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` (0 < share <= 1) of them do not exceed: always one of them.

    Raises ValueError when there are none.
    """
    if not values:
        raise ValueError("no values, no percentile")
    if not 0 < share <= 1:
        raise ValueError(f"a share lies in (0, 1], and {share} does not")
    # The tiny allowance keeps 0.95 of 20 at 19, where the product is a hair above it.
    rank = math.ceil(share * len(values) - 1e-9)
    return sorted(values)[max(rank, 1) - 1]


def ratio(pairs: Sequence[tuple[float, float]], confidence: float = CONFIDENCE) -> Estimate:
    """How many times the second of each pair the first is; each pair was measured side by side.

    The value is the median of the pairs' ratios. The interval is Student's, on the logarithms of the ratios: unlike a
    bootstrap it keeps its promise for the few pairs that a benchmark has. Raises ValueError unless all are positive.
    """
    if not pairs or any(not (one > 0 and other > 0) for one, other in pairs):
        raise ValueError("a ratio needs at least one pair, and positive numbers in each")
    return positive([one / other for one, other in pairs], confidence)


def positive(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """The median of repeated measurements of a quantity that is never negative, such as a ratio or a duration."""
    if len(values) < 2:
        return Estimate(values[0], 0.0, math.inf, len(values))
    logarithms = [math.log(value) for value in values]
    centre, half = fmean(logarithms), _half_width(logarithms, confidence)
    return Estimate(median(values), math.exp(centre - half), math.exp(centre + half), len(values))


def _half_width(values: Sequence[float], confidence: float) -> float:
    return student_quantile(0.5 + confidence / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))


def student_quantile(probability: float, degrees: int) -> float:
    """The value that Student's t with `degrees` of freedom stays below with `probability` (0.5 to 1, exclusive)."""
    if not 0.5 <= probability < 1 or degrees < 1:
        raise ValueError("Student's quantile needs a probability from 0.5 to 1 and at least one degree of freedom")
    wanted, low, high = 2 * probability - 1, 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        if _within(middle, degrees) < wanted:
            low = middle
        else:
            high = middle
    return math.tan(low) * math.sqrt(degrees)


def _within(angle: float, degrees: int) -> float:
    """P(|t| < tan(angle) * sqrt(degrees)): the finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    odd = degrees % 2 == 1
    cosine = math.cos(angle)
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for step in range(1, degrees // 2 + 1):
        total += term
        term *= cosine * cosine * (2 * step / (2 * step + 1) if odd else (2 * step - 1) / (2 * step))
    total *= math.sin(angle)
    return (angle + total) * 2 / math.pi if odd else total
