"""Loops that survive their own errors."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

FIRST_REST = 0.2
LONGEST_REST = 5.0
PATIENCE = 4.5


@dataclass(frozen=True, slots=True)
class Loop:
    """`step` does what can be done now, within about two seconds, and answers True when there may be more to do at
    once; otherwise the next step comes after `idle_seconds`. What it raises is logged, and tried again later."""

    name: str
    step: Callable[[], bool | None]
    idle_seconds: float


@dataclass(frozen=True, slots=True)
class Worker:
    """All loops of one process, and what is to be closed when they have ended."""

    loops: Sequence[Loop]
    closing: Sequence[Callable[[], None]] = field(default=())


def run(worker: Worker, stop: threading.Event) -> bool:
    """Run every loop in a thread of its own until `stop` is set; False when one did not end in time."""
    threads = [
        threading.Thread(target=_repeat, args=(loop, stop), name=loop.name, daemon=True) for loop in worker.loops
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    ended = _all_end(threads)
    for close in worker.closing:
        close()
    return ended


def _repeat(loop: Loop, stop: threading.Event) -> None:
    log.info("loop %s started", loop.name)
    failures = 0
    while not stop.is_set():
        try:
            rest = 0.0 if loop.step() else loop.idle_seconds
            failures = _recovered(loop, failures)
        except Exception as error:
            failures += 1
            rest = _rest(failures)
            _complain(loop, error, failures, rest)
        if rest:
            stop.wait(rest)
    log.info("loop %s stopped", loop.name)


def _recovered(loop: Loop, failures: int) -> int:
    if failures:
        log.info("loop %s works again after %d failures", loop.name, failures)
    return 0


def _rest(failures: int) -> float:
    return min(LONGEST_REST, FIRST_REST * 2.0 ** min(failures - 1, 30))


def _complain(loop: Loop, error: Exception, failures: int, rest: float) -> None:
    """The trace the first time only: an outage is one line per rest."""
    log.warning(
        "loop %s failed (%d in a row), next try in %.1f s: %s: %s",
        loop.name, failures, rest, type(error).__name__, error, exc_info=error if failures == 1 else None,
    )  # fmt: skip


def _all_end(threads: Sequence[threading.Thread]) -> bool:
    deadline = time.monotonic() + PATIENCE
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = [thread.name for thread in threads if thread.is_alive()]
    if late:
        log.error("loops that did not stop: %s", ", ".join(late))
    return not late
