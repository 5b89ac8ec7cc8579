"""A circuit breaker: after enough failures it refuses at once, and lets one call through at a time to find out.

Measured on those that exist: one holds its lock during the call, so that calls queue behind each other; two let a whole
herd through when half open. This one holds its lock for a few assignments, and admits exactly one probe.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

_OK, _FAILED = True, False


class BreakerOpen(Exception):
    """Nothing was tried. `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"open for another {retry_after:.1f} s")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to make one call; give it back by `Breaker.report`, whatever came of it."""

    period: int
    probe: bool


class Breaker:
    """Opens after `row` failures in a row, or when at least half of the last `window` calls failed.

    Once `cooldown` seconds have passed since it opened, one call is admitted as a probe: if it succeeds the breaker
    closes, if it fails the cooldown begins anew. What a failure is, the caller decides.
    """

    def __init__(
        self,
        *,
        row: int = 5,
        window: int = 20,
        cooldown: float = 1.0,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._row = row
        self._cooldown = cooldown
        self._now = now
        self._lock = Lock()
        self._recent: deque[bool] = deque(maxlen=window)
        self._opened_until: float | None = None
        self._probing = False
        self._period = 0

    def is_open(self) -> bool:
        return self._opened_until is not None

    def admit(self) -> Permit:
        """Raises BreakerOpen."""
        with self._lock:
            if self._opened_until is None:
                return Permit(self._period, probe=False)
            left = self._opened_until - self._now()
            if left > 0 or self._probing:
                raise BreakerOpen(max(left, self._cooldown / 10))
            self._probing = True
            return Permit(self._period, probe=True)

    def report(self, admission: Permit, ok: bool | None) -> None:
        """None: the call says nothing about the other side. A report from before the last change is dropped."""
        with self._lock:
            if admission.period != self._period:
                return
            if admission.probe:
                self._probing = False
            if ok is None:
                return
            if admission.probe and ok:
                self._change(opened_until=None)
            elif admission.probe or self._is_too_much(ok):
                self._change(opened_until=self._now() + self._cooldown)

    def _is_too_much(self, ok: bool) -> bool:
        recent = self._recent
        recent.append(ok)
        if ok:
            return False
        in_a_row = len(recent) >= self._row and not any(list(recent)[-self._row :])
        return in_a_row or (len(recent) == recent.maxlen and recent.count(_FAILED) * 2 >= len(recent))

    def _change(self, *, opened_until: float | None) -> None:
        self._opened_until = opened_until
        self._recent.clear()
        self._period += 1
