"""The tenants that have sent a request a moment ago."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Final

ACTIVE_SECONDS: Final = 1.0
"""A tenant is active for this long after its last request."""
_MOST_EXISTING: Final = 10_000


class ActiveTenants:
    """Active tenants, of those that have shown that they exist: invented ones are never active. Not thread-safe."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._last_request: OrderedDict[str, float] = OrderedDict()
        self._existing: OrderedDict[str, None] = OrderedDict()

    def requested(self, tenant: str) -> None:
        """Record a request that has arrived."""
        if tenant in self._existing:
            self._set_active(tenant)

    def exists(self, tenant: str) -> None:
        """Record that a request of the tenant, just ended, has shown that it exists."""
        self._existing[tenant] = None
        self._existing.move_to_end(tenant)
        if len(self._existing) > _MOST_EXISTING:
            self._existing.popitem(last=False)
        self._set_active(tenant)

    def others(self, tenant: str) -> Iterator[str]:
        """Yield the active tenants other than this one, that with the latest request first."""
        since = self._now() - ACTIVE_SECONDS
        for other, last in reversed(self._last_request.items()):
            if last <= since:
                return
            if other != tenant:
                yield other

    def _set_active(self, tenant: str) -> None:
        self._last_request[tenant] = now = self._now()
        self._last_request.move_to_end(tenant)
        while next(iter(self._last_request.values())) <= now - ACTIVE_SECONDS:
            self._last_request.popitem(last=False)
