"""Replication lag in seconds."""

import time
from collections import deque
from collections.abc import Callable

_LONGEST_HISTORY = 4_096


class LagClock:
    """Converts a lag in bytes of WAL to seconds, from the positions that earlier scrapes saw. Not thread-safe.

    The resolution is the interval between scrapes, and no lag is counted from before the first of them.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._written: deque[tuple[float, int]] = deque(maxlen=_LONGEST_HISTORY)

    def lag(self, written: int, confirmed: int) -> float:
        """Return the seconds since the position after `confirmed` was first seen as written; 0 if there is none."""
        now = self._now()
        if not self._written or written > self._written[-1][1]:
            self._written.append((now, written))
        while self._written and self._written[0][1] <= confirmed:
            self._written.popleft()
        return now - self._written[0][0] if self._written else 0.0
