"""Usual and disturbed periods in turn, so that other load on the machine slows both alike."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Semaphore
from typing import Any

from loadtests.generator.estimates import percentile
from loadtests.harness.offered_load import Outcome

ROUNDS = 3


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
def other_process(function: Callable[..., object], *arguments: Any) -> Iterator[OtherProcess]:
    """Start the process, which takes a moment; `begin` must be called `ROUNDS` times."""
    context = multiprocessing.get_context("spawn")
    begin, ended = context.Semaphore(0), context.Semaphore(0)
    process = context.Process(target=_repeat, args=(function, arguments, begin, ended))
    process.start()
    try:
        yield OtherProcess(begin, ended)
        process.join()
        assert process.exitcode == 0
    finally:
        process.kill()


def _repeat(function: Callable[..., object], arguments: Sequence[Any], begin: Semaphore, ended: Semaphore) -> None:
    for _ in range(ROUNDS):
        begin.acquire()
        function(*arguments)
        ended.release()


def p99(outcomes: Sequence[Outcome]) -> float:
    """Return the 99th percentile of the latencies; a request without a good response is infinitely late."""
    return percentile([each.seconds if each.good else float("inf") for each in outcomes], 0.99)
