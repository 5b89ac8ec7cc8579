"""Median latencies of calls that alternate, so that a disturbance of the machine affects all of them alike."""

import time
from collections.abc import Callable, Sequence

from loadtests.generator.estimates import percentile


def alternating_medians(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Make each call once per round; return the median of each, in seconds."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, taken, strict=True):
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
    return [percentile(times, 0.5) for times in taken]
