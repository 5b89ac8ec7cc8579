"""The background loops of a process. A loop survives its own errors."""

import logging
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from contracts.chassis.backoff import Backoff, backoff_delay

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS = 0.2
LONGEST_RETRY_SECONDS = 5.0
INTERRUPT_SECONDS = 2.5
STOP_SECONDS = 4.5


@dataclass(frozen=True, slots=True)
class Loop:
    """A step that is repeated until the process stops.

    `step` runs for at most about two seconds, or has an `interrupt`: it is called from another thread if the step still
    runs 2.5 s after the signal to stop, and ends it within two seconds. `step` returns a true value if there
    may be more to do at once; otherwise the next step follows after `idle_seconds`, which doubles at each further step
    without work, up to `longest_idle_seconds`, or as soon as `wake` is set. An exception is logged, and the step is
    repeated with backoff.
    """

    name: str
    step: Callable[[], object]
    idle_seconds: float
    longest_idle_seconds: float = 0.0
    wake: threading.Event = field(default_factory=threading.Event)
    interrupt: Callable[[], None] | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """All loops of a process, and the functions that release their resources after the loops have ended."""

    loops: Sequence[Loop]
    closing: Sequence[Callable[[], None]] = field(default=())


class LoopObserver(Protocol):
    """Receives the outcome of each step, from the thread of its loop."""

    def step_succeeded(self, loop: str) -> None: ...

    def step_failed(self, loop: str) -> None: ...


def stop_on_signals() -> threading.Event:
    """Return an event that SIGTERM or SIGINT sets. Call it from the main thread."""
    stop = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: stop.set())
    return stop


def run(worker: Worker, stop: threading.Event, observer: LoopObserver | None = None) -> bool:
    """Run each loop in its own thread until `stop` is set. Return False if a loop did not end in time."""
    threads = [
        threading.Thread(target=_repeat, args=(loop, stop, observer or _NoObserver()), name=loop.name, daemon=True)
        for loop in worker.loops
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    for loop in worker.loops:
        loop.wake.set()
    ended = _join(dict(zip(threads, (loop.interrupt for loop in worker.loops), strict=True)))
    for close in worker.closing:
        close()
    return ended


class _NoObserver:
    def step_succeeded(self, loop: str) -> None: ...

    def step_failed(self, loop: str) -> None: ...


def _repeat(loop: Loop, stop: threading.Event, observer: LoopObserver) -> None:
    log.info("loop %s started", loop.name)
    backoff = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
    idle_steps = 0
    while not stop.is_set():
        try:
            more = loop.step()
            observer.step_succeeded(loop.name)
            _log_recovery(loop, backoff)
        except Exception as error:
            observer.step_failed(loop.name)
            delay = backoff.failed()
            _log_failure(loop, error, backoff.failures, delay)
            stop.wait(delay)
            continue
        idle_steps = 0 if more else idle_steps + 1
        if not more and not stop.is_set():
            longest = max(loop.idle_seconds, loop.longest_idle_seconds)
            if loop.wake.wait(backoff_delay(idle_steps, loop.idle_seconds, longest)):
                idle_steps = 0
            loop.wake.clear()
    log.info("loop %s stopped", loop.name)


def _log_recovery(loop: Loop, backoff: Backoff) -> None:
    if backoff.failures:
        log.info("loop %s recovered after %d failures", loop.name, backoff.failures)
        backoff.succeeded()


def _log_failure(loop: Loop, error: Exception, failures: int, delay: float) -> None:
    """Log the first failure in a row with its traceback, and each further one in a line."""
    log.warning(
        "loop %s failed (%d in a row), retrying in %.1f s: %s: %s",
        loop.name, failures, delay, type(error).__name__, error, exc_info=error if failures == 1 else None,
    )  # fmt: skip


def _join(threads: Mapping[threading.Thread, Callable[[], None] | None]) -> bool:
    began = time.monotonic()
    for thread in _running(threads, began + min(INTERRUPT_SECONDS, STOP_SECONDS)):
        interrupt = threads[thread]
        if interrupt is not None:
            interrupt()
    late = [thread.name for thread in _running(threads, began + STOP_SECONDS)]
    if late:
        log.error("loops that did not stop: %s", ", ".join(late))
    return not late


def _running(threads: Iterable[threading.Thread], deadline: float) -> list[threading.Thread]:
    """Wait until the deadline; return the threads that still run."""
    waiting = list(threads)
    for thread in waiting:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread for thread in waiting if thread.is_alive()]
