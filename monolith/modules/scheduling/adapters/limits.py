"""Limits that keep a slow or failing service from exhausting the monolith: bulkhead and retry budget."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from contracts.chassis.deadline import Deadline
from contracts.scheduling.errors import Unavailable
from monolith.modules.scheduling.adapters.metrics import ServiceCallMetrics

LONGEST_WAIT = 0.1
"""Seconds. Enough for a burst of calls that take some milliseconds each; a waiting call holds a thread."""


class Bulkhead:
    """Allows at most `size` concurrent calls. Thread-safe."""

    def __init__(self, size: int, metrics: ServiceCallMetrics) -> None:
        self._slots = BoundedSemaphore(size)
        self._metrics = metrics
        metrics.slots.inc(size)

    @contextmanager
    def slot(self, deadline: Deadline) -> Iterator[None]:
        """Hold a slot. Raises Unavailable if none becomes free within 100 ms or before half of the time has passed."""
        if not self._slots.acquire(timeout=max(0.0, min(LONGEST_WAIT, deadline.remaining() / 2))):
            self._metrics.refused("bulkhead")
            raise Unavailable("Too many calls to scheduling are in progress; nothing was done.", retry_after=0.5)
        self._metrics.in_flight.inc()
        try:
            yield
        finally:
            self._metrics.in_flight.dec()
            self._slots.release()


class RetryBudget:
    """Limits retries to a `share` of all calls, so that they cannot amplify an overload. Thread-safe.

    Starts with `at_first` retries and saves up at most `at_most`.
    """

    def __init__(self, share: float = 0.08, at_first: float = 2.0, at_most: float = 10.0) -> None:
        self._share = share
        self._saved = at_first
        self._at_most = at_most
        self._lock = Lock()

    def earn(self) -> None:
        """Add to the budget; called once per call."""
        with self._lock:
            self._saved = min(self._saved + self._share, self._at_most)

    def spend(self) -> bool:
        """Use the budget for one retry; return false if it is exhausted."""
        with self._lock:
            if self._saved < 1:
                return False
            self._saved -= 1
            return True
