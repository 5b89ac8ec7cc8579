"""Usage by module over the last 15 minutes, scraped from the metrics pages of a running deployment."""

import threading
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from deploy.errors import CommandError
from loadtests.evidence.diagnosis import Diagnosis, diagnose
from loadtests.evidence.metrics_pages import scrape_page
from loadtests.evidence.window import (
    InsufficientData,
    ModuleUsage,
    Sample,
    SeriesKey,
    UsageWindow,
    build_window,
    is_usage_series,
)

KEPT = timedelta(minutes=15)
DIAGNOSED = timedelta(seconds=30)
"""The bottleneck is that of the last half minute."""
POINT = timedelta(seconds=15)
"""The shortest time between two points of a line; each is computed over the time since the one before."""
KEPT_SCRAPES = timedelta(minutes=3)

OPEN_BREAKERS = "scheduling_client_breakers_open"

Page = tuple[str, str | None]
"""The address of a metrics page, and its bearer token."""


class UsagePoint(NamedTuple):
    """The usage of every active module in the seconds before `at`."""

    at: datetime
    modules: Mapping[str, ModuleUsage]


class Usage(NamedTuple):
    """The history, oldest first, and the diagnosis of the last half minute; None without requests.

    `open_breakers` counts the circuit breakers to the scheduling service that are open; None if no page exports them.
    """

    points: tuple[UsagePoint, ...]
    window: UsageWindow | None
    diagnosis: Diagnosis | None
    problems: tuple[str, ...]
    open_breakers: int | None = None

    @property
    def traffic(self) -> dict[str, float]:
        """Requests per second by application, in the last half minute."""
        found: dict[str, float] = {}
        for module in self.window.modules.values() if self.window else ():
            found[module.application] = found.get(module.application, 0.0) + module.requests
        return found


class UsageHistory:
    """Call `scrape` repeatedly, from one thread. Reading is thread-safe."""

    def __init__(self, pages: list[Page]) -> None:
        self._pages = pages
        self._scrapes: deque[tuple[datetime, dict[SeriesKey, Sample]]] = deque()
        self._points: deque[UsagePoint] = deque()
        self._latest = Usage((), None, None, ())
        self._lock = threading.Lock()

    def latest(self) -> Usage:
        with self._lock:
            return self._latest

    def scrape(self) -> Usage:
        """Scrape every page once. A page that does not answer is a problem in the result, not an error."""
        now, problems = datetime.now(UTC), list[str]()
        found: dict[SeriesKey, Sample] = {}
        for number, page in enumerate(self._pages):
            try:
                found |= _samples(page, number)
            except CommandError as error:
                problems.append(str(error))
        self._scrapes.append((now, found))
        while now - self._scrapes[0][0] > KEPT_SCRAPES:
            self._scrapes.popleft()
        window = self._window(now, DIAGNOSED)
        self._add_point(now)
        diagnosis = None if window is None else diagnose(window)
        usage = Usage(tuple(self._points), window, diagnosis, tuple(problems), _open_breakers(found))
        with self._lock:
            self._latest = usage
        return usage

    def _add_point(self, now: datetime) -> None:
        """Add the usage since the last point, unless that is too recent."""
        since = self._points[-1].at if self._points else self._scrapes[0][0]
        if self._points and now - since < POINT:
            return
        window = self._window(now, now - since)
        self._points.append(UsagePoint(now, {} if window is None else window.modules))
        while now - self._points[0].at > KEPT:
            self._points.popleft()

    def _window(self, now: datetime, span: timedelta) -> UsageWindow | None:
        """Return the usage of the last `span`; None without requests in it."""
        margin = timedelta(seconds=1)
        samples: dict[SeriesKey, list[Sample]] = {}
        for at, scraped in self._scrapes:
            if now - at <= span + margin:
                for key, sample in scraped.items():
                    samples.setdefault(key, []).append(sample)
        try:
            return build_window(samples)
        except (InsufficientData, ValueError):
            return None


def _samples(page: Page, number: int) -> dict[SeriesKey, Sample]:
    address, token = page
    moment, label = time.time(), ("page", str(number))
    return {
        SeriesKey(key.name, (*key.labels, label)): (moment, value)
        for key, value in scrape_page(address, token)
        if is_usage_series(key.name) or key.name == OPEN_BREAKERS
    }


def _open_breakers(found: Mapping[SeriesKey, Sample]) -> int | None:
    values = [value for key, (_, value) in found.items() if key.name == OPEN_BREAKERS]
    return int(sum(values)) if values else None
