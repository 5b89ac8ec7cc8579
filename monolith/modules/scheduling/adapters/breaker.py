"""A circuit breaker that admits exactly one probe at a time when half open.

Of the existing libraries that were measured, one holds its lock during the call, which serializes calls, and two admit
all waiting calls when half open. This one holds its lock for a few assignments only.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

_OK, _FAILED = True, False


class BreakerOpen(Exception):
    """The breaker is open; no call was made. `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"open for another {retry_after:.1f} s")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Permit:
    """Permission for one call. Pass it to `Breaker.report` with the outcome."""

    period: int
    probe: bool


class Breaker:
    """Opens after `row` consecutive failures, or when at least half of the last `window` calls failed. Thread-safe.

    `cooldown` seconds after it opened, it admits one call as a probe. If the probe succeeds, the breaker closes; if it
    fails, the cooldown starts again. The caller decides what counts as a failure.

    `on_change` is called, under the lock, with True when the breaker opens and with False when it closes.
    """

    def __init__(
        self,
        *,
        row: int = 5,
        window: int = 20,
        cooldown: float = 1.0,
        now: Callable[[], float] = time.monotonic,
        on_change: Callable[[bool], None] = lambda is_open: None,
    ) -> None:
        self._row = row
        self._cooldown = cooldown
        self._now = now
        self._on_change = on_change
        self._lock = Lock()
        self._recent: deque[bool] = deque(maxlen=window)
        self._opened_until: float | None = None
        self._probing = False
        self._period = 0

    def is_open(self) -> bool:
        return self._opened_until is not None

    def admit(self) -> Permit:
        """Return a permit for one call. Raises BreakerOpen."""
        with self._lock:
            if self._opened_until is None:
                return Permit(self._period, probe=False)
            remaining = self._opened_until - self._now()
            if remaining > 0 or self._probing:
                raise BreakerOpen(max(remaining, self._cooldown / 10))
            self._probing = True
            return Permit(self._period, probe=True)

    def report(self, permit: Permit, ok: bool | None) -> None:
        """Record the outcome; None if it does not indicate the service's health.

        Reports from before the last state change are ignored.
        """
        with self._lock:
            if permit.period != self._period:
                return
            if permit.probe:
                self._probing = False
            if ok is None:
                return
            if permit.probe and ok:
                self._change(opened_until=None)
            elif permit.probe or self._exceeds_threshold(ok):
                self._change(opened_until=self._now() + self._cooldown)

    def _exceeds_threshold(self, ok: bool) -> bool:
        recent = self._recent
        recent.append(ok)
        if ok:
            return False
        consecutive = len(recent) >= self._row and not any(list(recent)[-self._row :])
        return consecutive or (len(recent) == recent.maxlen and recent.count(_FAILED) * 2 >= len(recent))

    def _change(self, *, opened_until: float | None) -> None:
        if (opened_until is None) != (self._opened_until is None):
            self._on_change(opened_until is not None)
        self._opened_until = opened_until
        self._recent.clear()
        self._period += 1
