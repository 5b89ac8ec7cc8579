"""Budgets that allow the same work at every speed of the machine.

A quota is processor time, and on a virtual machine with busy neighbours the same time does up to 1.7 times the work in
one minute as in the next. So a quota is what the role would need at the base speed, which the machine has in its slow
moments; while the machine is faster, the quota is smaller.
"""

import contextlib
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import fmean, quantiles
from typing import Final

from loadtests.harness.cpu_budgets import CpuBudget
from loadtests.lab.servers.speed_probe import WINDOW_SECONDS, SpeedProbe

_LEAST_CHANGE: Final = 0.03
"""Smaller ones are the probe's own noise; and the kernel starts a new period with each change."""
_STEP_SECONDS: Final = 1.0
_FEWEST_WINDOWS: Final = 5


@dataclass(frozen=True)
class BudgetSpeed:
    """The base speed at which budgets hold, in pieces of the probe's work per millisecond.

    Without a base, budgets are processor time, whatever the speed.
    """

    probe: SpeedProbe
    base: float | None = None

    def usable(self, begin: float, end: float) -> float | None:
        """Return the mean speed between two times, in each three seconds as far as the budgets let it be used.

        None without readings.
        """
        if self.base is None:
            return self.probe.speed(begin, end)
        windows = self.probe.windows(begin, end)
        return fmean(min(window, self.base) for window in windows) if windows else None

    def slowdown(self, begin: float, end: float) -> float:
        """Return how much slower than the base the machine was between two times, as a share; 0 without readings."""
        usable = self.usable(begin, end)
        return 0.0 if self.base is None or usable is None else 1 - usable / self.base

    def relative(self, begin: float, end: float) -> float:
        """Return the mean speed as a multiple of the base: a second of time does the work of so many at the base."""
        speed = self.probe.speed(begin, end)
        return 1.0 if self.base is None or speed is None else speed / self.base

    @contextlib.contextmanager
    def steady(self, budgets: Collection[CpuBudget]) -> Iterator[None]:
        """Adapt the budgets to the machine's speed, once a second, within the block. Raises CommandError after it."""
        if self.base is None:
            yield
            return
        ended = threading.Event()
        with ThreadPoolExecutor(1, thread_name_prefix="steady-budgets") as pool:
            following = pool.submit(_follow, budgets, self.probe, self.base, ended)
            try:
                yield
            finally:
                ended.set()
            following.result()


def observed_base(probe: SpeedProbe, begin: float, end: float) -> BudgetSpeed | None:
    """Take as the base the speed that the machine exceeded for nine tenths of the time.

    None with fewer than five windows of readings.
    """
    windows = probe.windows(begin, end)
    if len(windows) < _FEWEST_WINDOWS:
        return None
    return BudgetSpeed(probe, quantiles(windows, n=10, method="inclusive")[0])


def _follow(budgets: Collection[CpuBudget], probe: SpeedProbe, base: float, ended: threading.Event) -> None:
    used = 1.0
    while True:
        now = time.monotonic()
        speed = probe.speed(now - WINDOW_SECONDS, now)
        share = 1.0 if speed is None else min(1.0, base / speed)
        if abs(share / used - 1) > _LEAST_CHANGE:
            for budget in budgets:
                budget.scale(share)
            used = share
        if ended.wait(_STEP_SECONDS):
            return
