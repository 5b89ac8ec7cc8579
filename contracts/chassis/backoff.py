"""Exponential backoff and rate limiting of repeated work."""

import time
from collections.abc import Callable
from typing import Final

MOST_DOUBLINGS: Final = 30


def backoff_delay(failures: int, first: float, longest: float) -> float:
    """Return the delay after the n-th failure in a row: `first`, doubled at each further failure, at most `longest`."""
    return min(longest, first * 2.0 ** min(failures - 1, MOST_DOUBLINGS))


class Every:
    """A rate limiter: `due` returns true at most once per `seconds`, and at the first call. Not thread-safe."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._next = 0.0

    def due(self) -> bool:
        """Return whether the period has passed; if so, start the next one."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + self._seconds
        return True

    def make_due(self) -> None:
        """Make the next call of `due` return true."""
        self._next = 0.0


class Backoff:
    """Exponential backoff with rate-limited log messages. Not thread-safe.

    `first`, `longest` and `log_every` are in seconds. It never sleeps: a loop tests `paused`, or sleeps for what
    `failed` returns.
    """

    def __init__(self, first: float, longest: float, log_every: float = 10.0) -> None:
        self._first = first
        self._longest = longest
        self._logging = Every(log_every)
        self._failures = 0
        self._paused_until = 0.0

    @property
    def failures(self) -> int:
        """The number of failures since the last success."""
        return self._failures

    def paused(self) -> bool:
        """Return whether the current pause is still running."""
        return time.monotonic() < self._paused_until

    def pause(self, seconds: float) -> None:
        """Pause for a fixed time, without counting a failure."""
        self._paused_until = time.monotonic() + seconds

    def failed(self) -> float:
        """Count a failure, start its pause and return the length of the pause in seconds."""
        self._failures += 1
        delay = backoff_delay(self._failures, self._first, self._longest)
        self.pause(delay)
        return delay

    def should_log(self) -> bool:
        """Return whether a failure should be logged now: at most once per `log_every`."""
        return self._logging.due()

    def succeeded(self, on_recovery: Callable[[], None] | None = None) -> None:
        """Reset the delay; call `on_recovery` if the previous attempt failed."""
        if self._failures:
            self._failures = 0
            self._logging.make_due()
            if on_recovery is not None:
                on_recovery()
