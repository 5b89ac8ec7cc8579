"""Token buckets in the memory of one process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final

from monolith.shared.rate_limits.limits import Attempt

MOST_SUBJECTS: Final = 50_000
"""The subject that was charged the longest time ago is forgotten first."""


class LocalBuckets:
    """Implements `Buckets` for this process alone. Thread-safe.

    A bucket is the time at which its allowance will be fully restored (the generic cell rate algorithm).
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = Lock()
        self._restored_at: OrderedDict[tuple[str, str], float] = OrderedDict()

    def charge(self, *attempts: Attempt, count: int = 1) -> float:
        with self._lock:
            now = self._now()
            wait = max(self._restored(attempt, now) - attempt[0].allowance.total_seconds() for attempt in attempts)
            if wait > now:
                return wait - now
            for limit, subject in attempts:
                key = (limit.kind, subject)
                self._restored_at[key] = self._restored((limit, subject), now) + limit.seconds * count
                self._restored_at.move_to_end(key)
            while len(self._restored_at) > MOST_SUBJECTS:
                self._restored_at.popitem(last=False)
            return 0.0

    def _restored(self, attempt: Attempt, now: float) -> float:
        limit, subject = attempt
        return max(now, self._restored_at.get((limit.kind, subject), now))
