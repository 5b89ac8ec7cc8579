"""A client's 99th percentile in usual and in disturbed periods, in turn, so that the machine slows both alike."""

import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite
from multiprocessing.synchronize import Semaphore
from statistics import median
from typing import Any

from loadtests.generator.estimates import percentile
from loadtests.harness.offered_load import OfferedLoad, Outcome

NOISE = 0.025
"""Seconds. A shorter 99th percentile depends more on the scheduler of the machine than on the servers."""

Offer = Callable[[int], OfferedLoad]
"""Sends the requests of one period, whose times a seed decides."""


@dataclass(frozen=True)
class PercentileComparison:
    """The outcomes of each group: usual, disturbed."""

    groups: Sequence[tuple[Sequence[Outcome], Sequence[Outcome]]]

    @property
    def ratio(self) -> float:
        """The 99th percentile of the disturbed periods, relative to the usual ones: the median of all groups.

        A group in which usual requests failed is left out: the machine was too busy.
        """
        usable = [group for group in self.groups if isfinite(p99(group[0]))]
        return median(p99(disturbed) / max(p99(usual), NOISE) for usual, disturbed in usable)

    def __str__(self) -> str:
        return "; ".join(f"usually {_describe(usual)}, disturbed {_describe(other)}" for usual, other in self.groups)


def compare(usual: Offer, disturbed: Offer, *, groups: int, pairs: int) -> PercentileComparison:
    """Offer the same load in usual and in disturbed periods, in turn: `pairs` of them in each group.

    A burst of other load on the machine changes the ratio of one group, and so not the median.
    """
    found = []
    for group in range(groups):
        outcomes = list[Outcome](), list[Outcome]()
        for pair in range(pairs):
            for each, offer in zip(outcomes, (usual, disturbed), strict=True):
                each.extend(offer(group * pairs + pair).outcomes)
        found.append(outcomes)
    return PercentileComparison(found)


class OtherProcess:
    """A function that runs in a process of its own, once for each `begin`, so that it delays no measured request."""

    def __init__(self, begin: Semaphore, ended: Semaphore) -> None:
        self._begin, self._ended = begin, ended

    def begin(self) -> None:
        self._begin.release()

    def wait(self) -> None:
        """Wait for the end of what `begin` began."""
        assert self._ended.acquire(timeout=60.0)


@contextmanager
def other_process(times: int, function: Callable[..., object], *arguments: Any) -> Iterator[OtherProcess]:
    """Start the process, which takes a moment; `begin` must be called so many times."""
    context = multiprocessing.get_context("spawn")
    begin, ended = context.Semaphore(0), context.Semaphore(0)
    process = context.Process(target=_repeat, args=(times, function, arguments, begin, ended))
    process.start()
    try:
        yield OtherProcess(begin, ended)
        process.join()
        assert process.exitcode == 0
    finally:
        process.kill()


def _repeat(
    times: int, function: Callable[..., object], arguments: Sequence[Any], begin: Semaphore, ended: Semaphore
) -> None:
    for _ in range(times):
        begin.acquire()
        function(*arguments)
        ended.release()


def p99(outcomes: Sequence[Outcome]) -> float:
    """Return the 99th percentile of the latencies; a request without a good response is infinitely late."""
    return percentile([each.seconds if each.good else float("inf") for each in outcomes], 0.99)


def _describe(outcomes: Sequence[Outcome]) -> str:
    failed = Counter(each.status for each in outcomes if not each.good)
    return f"{p99(outcomes) * 1000:.0f} ms of {len(outcomes)}" + (f", failed {dict(failed)}" if failed else "")
