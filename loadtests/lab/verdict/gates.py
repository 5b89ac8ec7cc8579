"""What a verdict passes through, one question after the other; each answered with its interval, or not yet."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from loadtests.generator.estimates import Estimate, positive, ratio
from loadtests.lab.results.model import Run
from loadtests.lab.verdict.thresholds import Thresholds

MOST_MORE_BLOCKS: Final = 50
_MORE_THAN_ANYBODY_READS: Final = 1_000
_SHORTEST_MS: Final = 0.1
_NEVER_MS: Final = 30_000.0
"""A module that answered more than one person in a hundred with an error has no 99th percentile; this is the patience
of the generator."""


class GateDecision(NamedTuple):
    """`holds` is None while the interval reaches over the threshold; `more_blocks` would probably settle it then."""

    holds: bool | None
    words: str
    estimate: Estimate | None = None
    more_blocks: int = 0


def slo_ratio(run: Run, thresholds: Thresholds) -> float:
    """The worst module's 99th percentile by what it promises: above 1, the run missed its promise.

    A module whose percentile rests on too few people is judged by its 95th.
    """
    found = [
        _percentile(run, module) / promised
        for module, promised in thresholds.slo_p99_ms.items()
        if module in run.modules and run.modules[module].arrivals
    ]
    if not found:
        raise ValueError("a run in which nobody came says nothing: it is no valid run")
    return max(found)


def _percentile(run: Run, module: str) -> float:
    result = run.modules[module]
    if result.errors > 0.01 * result.arrivals:
        return _NEVER_MS
    known = result.p99_ms if result.p99_ms is not None else result.p95_ms
    return max(_SHORTEST_MS, known or 0.0)


def decide_slo_violation(runs: Sequence[Run], thresholds: Thresholds) -> GateDecision:
    """Whether the arm of these runs, one for each block, misses what it promises."""
    return compare_with_threshold(
        positive([slo_ratio(run, thresholds) for run in runs]), 1.0, "the worst module's tail, by what it promises:"
    )


def decide_aa_test(pairs: Sequence[tuple[Run, Run]], thresholds: Thresholds) -> GateDecision:
    """M1 against M1', block by block: whether the laboratory finds no difference where there is none."""
    found = ratio([(slo_ratio(one, thresholds), slo_ratio(again, thresholds)) for one, again in pairs])
    words = f"M1 by itself {format_estimate(found)}"
    if not found.low <= 1 <= found.high:
        return GateDecision(False, f"{words}: the laboratory sees a difference where there is none", found)
    widest = max(found.high / found.value, found.value / found.low) if found.low > 0 else math.inf
    if widest > thresholds.noise.widest:
        return GateDecision(
            None, f"{words}: too wide", found, _more(found.n, math.log(widest), math.log(thresholds.noise.widest))
        )
    return GateDecision(True, words, found)


def decide_cost_limit(pairs: Sequence[tuple[float, float]], most: float, what: str) -> GateDecision:
    """Of each pair the extracted arm's, then the monolith's."""
    return compare_with_threshold(ratio(pairs), most, what)


def compare_with_threshold(found: Estimate, threshold: float, what: str) -> GateDecision:
    """Whether the true value lies above the threshold."""
    words = f"{what} {format_estimate(found)}, against {threshold:g}"
    if found.low > threshold:
        return GateDecision(True, words, found)
    if found.high < threshold:
        return GateDecision(False, words, found)
    return GateDecision(None, words, found, _more_for(found, threshold))


def format_estimate(found: Estimate) -> str:
    if found.n < 2:
        return f"{found.value:.2f} (once)"
    high = f"{found.high:.2f}" if found.high < _MORE_THAN_ANYBODY_READS else f"over {_MORE_THAN_ANYBODY_READS:g}"
    return f"{found.value:.2f} [{found.low:.2f} to {high}], n = {found.n}"


def _more_for(found: Estimate, threshold: float) -> int:
    if found.n < 2 or found.low <= 0 or math.isinf(found.high):
        return 2
    half, distance = math.log(found.high / found.low) / 2, abs(math.log(found.value / threshold))
    return _more(found.n, half, distance)


def _more(n: int, half: float, wanted: float) -> int:
    """The interval narrows with the root of the number of blocks."""
    if not math.isfinite(half) or wanted <= 0:
        return MOST_MORE_BLOCKS
    return min(MOST_MORE_BLOCKS, max(1, math.ceil(n * (half / wanted) ** 2) - n))


def pair_by_block(one: Mapping[int, Run], other: Mapping[int, Run]) -> list[tuple[Run, Run]]:
    """Of blocks in which both are valid."""
    return [
        (one[block], other[block])
        for block in sorted(one.keys() & other.keys())
        if one[block].valid and other[block].valid
    ]
