"""The gates of a verdict: each is decided by a confidence interval, or left open."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from loadtests.generator.estimates import Estimate, positive, ratio
from loadtests.lab.results.model import Run
from loadtests.lab.verdict.thresholds import Thresholds

MAX_MORE_BLOCKS: Final = 50
_MAX_PRINTED: Final = 1_000
_MIN_MS: Final = 0.1
_ERROR_MS: Final = 30_000.0
"""Stands for the 99th percentile of a module with more than 1 % errors; equals the generator's request timeout."""


class GateDecision(NamedTuple):
    """`holds` is None while the interval includes the threshold; then `more_blocks` would probably decide."""

    holds: bool | None
    text: str
    estimate: Estimate | None = None
    more_blocks: int = 0


def slo_ratio(run: Run, thresholds: Thresholds) -> float:
    """Return the largest ratio of 99th percentile to SLO over all modules; above 1 the run misses its SLO.

    Falls back to the 95th percentile for modules with too few arrivals. Raises ValueError for a run without arrivals.
    """
    found = [
        _tail_ms(run, module) / slo_ms
        for module, slo_ms in thresholds.slo_p99_ms.items()
        if module in run.modules and run.modules[module].arrivals
    ]
    if not found:
        raise ValueError("a run without arrivals is not valid")
    return max(found)


def _tail_ms(run: Run, module: str) -> float:
    result = run.modules[module]
    if result.errors > 0.01 * result.arrivals:
        return _ERROR_MS
    known = result.p99_ms if result.p99_ms is not None else result.p95_ms
    return max(_MIN_MS, known or 0.0)


def decide_slo_violation(runs: Sequence[Run], thresholds: Thresholds) -> GateDecision:
    """Decide whether the arm misses its SLO, from one run per block."""
    estimate = positive([slo_ratio(run, thresholds) for run in runs])
    return compare_with_threshold(estimate, 1.0, "tail latency / SLO of the worst module:")


def decide_aa_test(pairs: Sequence[tuple[Run, Run]], thresholds: Thresholds) -> GateDecision:
    """Decide whether M1 and its repeat M1' show no difference, block by block."""
    found = ratio([(slo_ratio(one, thresholds), slo_ratio(repeat, thresholds)) for one, repeat in pairs])
    text = f"M1 relative to its repeat M1': {format_estimate(found)}"
    if not found.low <= 1 <= found.high:
        return GateDecision(False, f"{text}: the interval excludes 1, but both arms are the same", found)
    widest = max(found.high / found.value, found.value / found.low) if found.low > 0 else math.inf
    if widest > thresholds.noise.widest:
        more = _more_blocks(found.n, math.log(widest), math.log(thresholds.noise.widest))
        return GateDecision(None, f"{text}: the interval is too wide", found, more)
    return GateDecision(True, text, found)


def decide_cost_limit(pairs: Sequence[tuple[float, float]], limit: float, what: str) -> GateDecision:
    """Decide whether a cost exceeds its limit; each pair is the extracted arm's figure and the monolith's."""
    return compare_with_threshold(ratio(pairs), limit, what)


def compare_with_threshold(found: Estimate, threshold: float, what: str) -> GateDecision:
    """Decide whether the true value is above the threshold."""
    text = f"{what} {format_estimate(found)}; threshold {threshold:g}"
    if found.low > threshold:
        return GateDecision(True, text, found)
    if found.high < threshold:
        return GateDecision(False, text, found)
    return GateDecision(None, text, found, _more_blocks_for(found, threshold))


def format_estimate(found: Estimate) -> str:
    """Return the value with its 95 % interval and n."""
    if found.n < 2:
        return f"{found.value:.2f} (n = 1)"
    high = f"{found.high:.2f}" if found.high < _MAX_PRINTED else f"over {_MAX_PRINTED:g}"
    return f"{found.value:.2f} [{found.low:.2f} to {high}], n = {found.n}"


def _more_blocks_for(found: Estimate, threshold: float) -> int:
    if found.n < 2 or found.low <= 0 or math.isinf(found.high):
        return 2
    half, distance = math.log(found.high / found.low) / 2, abs(math.log(found.value / threshold))
    return _more_blocks(found.n, half, distance)


def _more_blocks(n: int, half_width: float, required: float) -> int:
    """Extrapolate: the interval's width is proportional to the inverse square root of the number of blocks."""
    if not math.isfinite(half_width) or required <= 0:
        return MAX_MORE_BLOCKS
    return min(MAX_MORE_BLOCKS, max(1, math.ceil(n * (half_width / required) ** 2) - n))


def pair_by_block(one: Mapping[int, Run], other: Mapping[int, Run]) -> list[tuple[Run, Run]]:
    """Return the pairs of blocks in which both runs are valid."""
    return [
        (one[block], other[block])
        for block in sorted(one.keys() & other.keys())
        if one[block].valid and other[block].valid
    ]
