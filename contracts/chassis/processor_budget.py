"""A share of the processor time of a process, for the requests of one tenant."""

import math
import time
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Final

LONG_SECONDS: Final = 0.02
"""A search that computes for longer is a long one. Usual searches use a fraction of it."""
USAGE_SECONDS: Final = 2.0
"""Usage is averaged over about this long."""
LONGEST_PAUSE: Final = 4.0
"""Seconds. Bounds the pause after a computation whose time was measured too long, as on a stopped machine."""
LONGEST_PAUSE_FOR_WAITING: Final = 0.5
"""Seconds. Waiting for a processor alone causes no longer pause: a machine that stood still is not a tenant's work."""
_MOST_TENANTS: Final = 1_000


class ProcessorBudget:
    """Decides when a tenant may start another request, by the processor time of its earlier ones. Not thread-safe.

    The requests of a tenant use no more than its share of one processor, however many run at once. After a rest it may
    use `credit` seconds at once, so that usual traffic never pauses. Requests that take longer than `LONG_SECONDS` use
    no more than `share_of_long`.

    A tenant that nothing limits at the moment is charged as well, because another may need protection from the next
    moment on. It owes the pause of one request, however many it has made.
    """

    def __init__(self, *, credit: float, share_of_long: float = 1.0, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._credit = credit
        self._share_of_long = share_of_long
        self._pauses_until: dict[str, float] = {}
        self._used_up: dict[str, float] = {}
        self._ends: list[tuple[float, str]] = []
        """The pauses in `_used_up`, earliest end first, and those that a later one has replaced."""

    def charge(self, tenant: str, seconds: float, share: float, *, waited: float = 0.0, limited: bool = True) -> None:
        """Record the processor time of a request that has just ended; `share` is the tenant's of one processor.

        The time for which it has `waited` for a processor is charged too, so that on a busy machine the share is one of
        the time that the process gets. Pass `limited` as false if the tenant may start requests during its pauses.
        """
        now = self._now()
        share_of_request = share if seconds <= LONG_SECONDS else min(share, self._share_of_long)
        paused_until = self._pauses_until.get(tenant, 0.0)
        used_until = max(now - self._credit / share, paused_until if limited else min(paused_until, now))
        used_until = min(used_until + seconds / share_of_request, now + LONGEST_PAUSE)
        with_waiting = min(used_until + waited / share_of_request, now + LONGEST_PAUSE_FOR_WAITING)
        used_until = max(paused_until, used_until, with_waiting)
        self._pauses_until[tenant] = used_until
        if used_until > now - LONG_SECONDS:
            self._used_up[tenant] = used_until
            self._forget_ended()  # Nothing asks for them while one tenant is alone.
            heappush(self._ends, (used_until, tenant))
        if len(self._pauses_until) > _MOST_TENANTS:
            self._pauses_until = {each: until for each, until in self._pauses_until.items() if until > now}

    def used_up_by_others(self, tenant: str) -> int:
        """Return how many other tenants have used up their shares, or had a moment ago.

        Its cost does not grow with the number of tenants: every request of a busy server asks for it.
        """
        self._forget_ended()
        return len(self._used_up) - (tenant in self._used_up)

    def all_used_up(self, tenants: Iterable[str]) -> bool:
        """Return whether all of these tenants have used up their shares, or had a moment ago."""
        self._forget_ended()
        return all(tenant in self._used_up for tenant in tenants)

    def allows(self, tenant: str) -> bool:
        """Return whether the tenant may start a request now."""
        until = self._pauses_until.get(tenant)
        return until is None or until <= self._now()

    def _forget_ended(self) -> None:
        since = self._now() - LONG_SECONDS
        while self._ends and self._ends[0][0] <= since:
            until, ended = heappop(self._ends)
            if self._used_up.get(ended) == until:
                del self._used_up[ended]


class RecentUsage:
    """The recent processor usage of tenants. Not thread-safe."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._used: dict[str, tuple[float, float]] = {}

    def add(self, tenant: str, seconds: float) -> None:
        """Record the time that a request of the tenant, just ended, has used a processor or waited for one."""
        self._used[tenant] = self._decayed(tenant) + seconds, self._now()
        if len(self._used) > _MOST_TENANTS:
            since = self._now() - USAGE_SECONDS
            self._used = {each: used for each, used in self._used.items() if used[1] > since}

    def of(self, tenant: str) -> float:
        """Return the tenant's recent usage, as a share of one processor."""
        return self._decayed(tenant) / USAGE_SECONDS

    def _decayed(self, tenant: str) -> float:
        seconds, at = self._used.get(tenant, (0.0, 0.0))
        return seconds * math.exp((at - self._now()) / USAGE_SECONDS)
