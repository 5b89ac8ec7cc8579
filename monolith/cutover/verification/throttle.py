"""How much of a database's time a comparison may take: customers are served beside it, at the peak hour too."""

import time
from typing import Final

DATABASE_SHARE: Final = 0.25
"""At half of its capacity a server has room for this much more, and answers nearly as fast as before."""


class ComparisonThrottle:
    """Works for `share` of the time, and rests for the rest of it."""

    def __init__(self, share: float = DATABASE_SHARE) -> None:
        self._share = share
        self._began = time.monotonic()

    def begin(self) -> None:
        self._began = time.monotonic()

    def rest(self) -> None:
        """After each small piece of work."""
        worked = time.monotonic() - self._began
        time.sleep(worked * (1 / self._share - 1))
