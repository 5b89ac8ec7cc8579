"""What keeps one slow or failing service from taking the monolith with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock

from contracts.scheduling.errors import Unavailable


class Bulkhead:
    """At most `size` calls at once: threads beyond that are not lent to scheduling, whatever it does with them."""

    def __init__(self, size: int) -> None:
        self._slots = BoundedSemaphore(size)

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Raises Unavailable at once when there is none."""
        if not self._slots.acquire(blocking=False):
            raise Unavailable("Too many calls to scheduling are under way; nothing was done.", retry_after=0.5)
        try:
            yield
        finally:
            self._slots.release()


class RetryBudget:
    """Retries may be `share` of all calls, so that they cannot multiply an overload; idle times save up a few."""

    def __init__(self, share: float = 0.08, at_first: float = 2.0, at_most: float = 10.0) -> None:
        self._share = share
        self._saved = at_first
        self._at_most = at_most
        self._lock = Lock()

    def earn(self) -> None:
        """Once for each call."""
        with self._lock:
            self._saved = min(self._saved + self._share, self._at_most)

    def spend(self) -> bool:
        """Whether one more retry may be made now."""
        with self._lock:
            if self._saved < 1:
                return False
            self._saved -= 1
            return True
