"""Percentiles of raw values, and confidence intervals of repeated measurements; standard library only.

Not named `statistics`: Locust puts this folder first on the path, where it would shadow the standard library's.
"""

import math
from collections.abc import Sequence
from statistics import fmean, stdev
from typing import NamedTuple

CONFIDENCE = 0.95
MIN_VALUES_BEYOND = 2
"""A percentile with fewer values beyond it is not reported."""


class Estimate(NamedTuple):
    """A value with its confidence interval, from `n` measurements.

    `low` is zero (minus infinity for `mean`) and `high` infinite where `n` is too small for an interval.
    """

    value: float
    low: float
    high: float
    n: int


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of `values` that at least `share` (0 < share <= 1) of them do not exceed (nearest rank).

    Raises ValueError without values.
    """
    if not values:
        raise ValueError("a percentile requires values")
    if not 0 < share <= 1:
        raise ValueError(f"a share must be in (0, 1], not {share}")
    # The tolerance corrects rounding errors: 0.95 * 20 is slightly above 19.
    rank = math.ceil(share * len(values) - 1e-9)
    return sorted(values)[max(rank, 1) - 1]


def known_percentile(values: Sequence[float], share: float) -> float | None:
    """Return the percentile, or None when fewer than MIN_VALUES_BEYOND values are beyond it."""
    return percentile(values, share) if len(values) * (1 - share) >= MIN_VALUES_BEYOND else None


def ratio(pairs: Sequence[tuple[float, float]], confidence: float = CONFIDENCE) -> Estimate:
    """Return the ratio of the first to the second of each pair of paired measurements.

    The value is the geometric mean of the pairs' ratios. The interval is Student's, on the logarithms of the ratios:
    unlike a bootstrap it has the stated coverage for the few pairs of a benchmark. Raises ValueError unless all are
    positive.
    """
    if not pairs or any(not (one > 0 and other > 0) for one, other in pairs):
        raise ValueError("a ratio requires at least one pair, and positive numbers")
    return positive([one / other for one, other in pairs], confidence)


def positive(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """Return the geometric mean of repeated measurements of a positive quantity, such as a ratio or a duration.

    It is the centre of its interval, so the value is always inside.
    """
    if len(values) < 2:
        return Estimate(values[0], 0.0, math.inf, len(values))
    centre, low, high, n = mean([math.log(value) for value in values], confidence)
    return Estimate(math.exp(centre), math.exp(low), math.exp(high), n)


def mean(values: Sequence[float], confidence: float = CONFIDENCE) -> Estimate:
    """Return the arithmetic mean with Student's interval; an infinite interval for a single value."""
    if len(values) < 2:
        return Estimate(values[0], -math.inf, math.inf, len(values))
    centre, half = fmean(values), _half_width(values, confidence)
    return Estimate(centre, centre - half, centre + half, len(values))


def _half_width(values: Sequence[float], confidence: float) -> float:
    return student_quantile(0.5 + confidence / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))


def student_quantile(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t distribution with `degrees` of freedom for 0.5 <= `probability` < 1."""
    if not 0.5 <= probability < 1 or degrees < 1:
        raise ValueError("Student's quantile requires 0.5 <= probability < 1 and at least one degree of freedom")
    target, low, high = 2 * probability - 1, 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        if _central_probability(middle, degrees) < target:
            low = middle
        else:
            high = middle
    return math.tan(low) * math.sqrt(degrees)


def _central_probability(angle: float, degrees: int) -> float:
    """Return P(|t| < tan(angle) * sqrt(degrees)) by the finite sums of Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    odd = degrees % 2 == 1
    cosine = math.cos(angle)
    term, total = (cosine, 0.0) if odd else (1.0, 0.0)
    for step in range(1, degrees // 2 + 1):
        total += term
        term *= cosine * cosine * (2 * step / (2 * step + 1) if odd else (2 * step - 1) / (2 * step))
    total *= math.sin(angle)
    return (angle + total) * 2 / math.pi if odd else total
