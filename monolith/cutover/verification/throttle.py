"""Limit the share of time for which a comparison keeps a database busy, so that requests stay fast at peak load."""

import time
from collections.abc import Callable
from typing import Final

DATABASE_SHARE: Final = 0.25
"""A server at half of its capacity responds nearly as fast with this additional load."""
BUSY: Final = 2.0
"""A server is busy while rows take more than this many times as long as in the fastest chunk of their table."""
MOST_SLOWDOWN: Final = 4.0
"""The most by which a busy server prolongs a rest, so that the comparison ends: large tables also become slower by
themselves, beyond the database's cache."""


class ComparisonThrottle:
    """Sleep after each chunk of work, so that work takes at most `share` of the time, and less on a busy server."""

    def __init__(
        self,
        share: float = DATABASE_SHARE,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._share = share
        self._now = now
        self._sleep = sleep
        self._began = now()
        self._fastest: dict[str, float] = {}
        """Seconds for each row, by table."""

    def begin(self) -> None:
        self._began = self._now()

    def rest(self) -> None:
        """Call after each chunk of work."""
        self._rest(self._now() - self._began)

    def rest_after(self, table: str, rows: int) -> None:
        """Call after a chunk of some thousand rows of a table, each of which takes about equally long."""
        worked = self._now() - self._began
        seconds = worked / max(1, rows)
        fastest = self._fastest[table] = min(seconds, self._fastest.get(table, seconds))
        slowdown = seconds / fastest / BUSY if fastest else 1.0
        self._rest(worked * min(MOST_SLOWDOWN, max(1.0, slowdown)))

    def _rest(self, worked: float) -> None:
        self._sleep(worked * (1 / self._share - 1))
