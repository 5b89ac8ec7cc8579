"""Limit the share of time for which a comparison keeps a database busy, so that requests stay fast at peak load."""

import time
from typing import Final

DATABASE_SHARE: Final = 0.25
"""A server at half of its capacity responds nearly as fast with this additional load."""


class ComparisonThrottle:
    """Sleep after each chunk of work, so that work takes `share` of the time."""

    def __init__(self, share: float = DATABASE_SHARE) -> None:
        self._share = share
        self._began = time.monotonic()

    def begin(self) -> None:
        self._began = time.monotonic()

    def rest(self) -> None:
        """Call after each chunk of work."""
        worked = time.monotonic() - self._began
        time.sleep(worked * (1 / self._share - 1))
