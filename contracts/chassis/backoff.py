"""When to do something again."""

import logging
import threading
import time
from collections.abc import Callable

_AFTER_A_BUG_SECONDS = 4.0


class Every:
    """`due` is true at first, and then at most once per `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def due(self) -> bool:
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._seconds
        return True

    def make_due(self) -> None:
        self._next = 0.0


class Patience:
    """Rests that double with each failure in a row, and words about them that are not repeated too often."""

    def __init__(self, first: float, longest: float, silence: float = 10.0) -> None:
        self._first = first
        self._longest = longest
        self._speaking = Every(silence)
        self._failures = 0
        self._until = 0.0

    def resting(self) -> bool:
        return time.monotonic() < self._until

    def rest(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def stumble(self) -> None:
        self.rest(min(self._longest, self._first * 2.0**self._failures))
        self._failures = min(self._failures + 1, 30)

    def may_speak(self) -> bool:
        return self._speaking.due()

    def reset(self, on_recovery: Callable[[], None]) -> None:
        """All is well: `on_recovery` is called when it was not before."""
        if self._failures:
            self._failures = 0
            self._speaking.make_due()
            on_recovery()


def repeat(
    name: str, step: Callable[[], object], idle_seconds: float, stop: threading.Event, log: logging.Logger
) -> None:
    """Until `stop`; a step that answers something true is followed by the next at once. What it raises is raised."""
    log.info("%s started", name)
    while not stop.is_set():
        if not step():
            stop.wait(idle_seconds)
    log.info("%s stopped", name)


def repeat_whatever_comes(
    name: str, step: Callable[[], object], idle_seconds: float, stop: threading.Event, log: logging.Logger
) -> None:
    """As `repeat`, for what runs beside something else: what it stumbles over must not keep the other from its work."""
    while not stop.is_set():
        try:
            repeat(name, step, idle_seconds, stop, log)
        except Exception:
            log.exception("%s failed", name)
            stop.wait(_AFTER_A_BUG_SECONDS)
