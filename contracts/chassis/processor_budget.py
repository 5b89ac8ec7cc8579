"""A share of the processor time of a process, for long computations of one tenant."""

import time
from collections.abc import Callable
from typing import Final

FREE_SECONDS: Final = 0.02
"""Processor time that a request may use without a pause afterwards. Usual searches use a fraction of it."""
SHARE: Final = 1 / 8
"""The share of one processor that the long computations of one tenant may use."""
LONGEST_PAUSE: Final = 4.0
"""Seconds. Bounds the pause after a computation whose time was measured too long, as on a stopped machine."""
_MOST_TENANTS: Final = 1_000


class ProcessorBudget:
    """Decides when a tenant may start another search, by the processor time of its earlier ones. Not thread-safe.

    A search that computes for longer than `FREE_SECONDS` is followed by a pause of its tenant, so long that its long
    searches use at most `SHARE` of a processor.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._pauses_until: dict[str, float] = {}

    def charge(self, tenant: str, seconds: float) -> None:
        """Record the processor time of a search that has just ended."""
        if seconds <= FREE_SECONDS:
            return
        now = self._now()
        pause = seconds * (1 / SHARE - 1)
        until = max(now, self._pauses_until.get(tenant, now)) + pause
        self._pauses_until[tenant] = min(until, now + LONGEST_PAUSE)
        if len(self._pauses_until) > _MOST_TENANTS:
            self._pauses_until = {each: until for each, until in self._pauses_until.items() if until > now}

    def allows(self, tenant: str) -> bool:
        """Return whether the tenant may start a search now."""
        until = self._pauses_until.get(tenant)
        return until is None or until <= self._now()
