"""From samples of the documented series to what each module did, and waited for, in a window of time."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean
from typing import Final, NamedTuple

Sample = tuple[float, float]
"""A moment in seconds since 1970, and the value then."""


class SeriesKey(NamedTuple):
    """One series as it is exposed."""

    name: str
    labels: tuple[tuple[str, str], ...]


Samples = Mapping[SeriesKey, Sequence[Sample]]

_NAME: Final = re.compile(
    r"^(?:(?P<prefix>\w+?)_)?"
    r"(?P<series>http_request_seconds|http_cpu_seconds|http_in_flight|http_threads|http_processes|pool_wait_seconds"
    r"|database_sessions)(?:_(?P<part>bucket|sum|count|total))?$"
)


class NoEvidence(Exception):
    """What is missing, in one sentence."""


@dataclass
class Endpoint:
    """Requests a second, and the processor cores they kept busy."""

    requests: float = 0.0
    cpu: float = 0.0


class Serving(NamedTuple):
    """What one application (one prefix of names) serves with; None where it does not say."""

    processes: float | None
    threads: float | None


@dataclass
class Module:
    """Rates are a second; `latency` and `pool_wait` mean seconds a request. `cpu` is in cores, `running` and `locked`
    in database sessions, on average; `p95` in seconds, None when nobody came."""

    name: str
    application: str
    requests: float = 0.0
    errors: float = 0.0
    latency: float = 0.0
    p95: float | None = None
    cpu: float = 0.0
    pool_wait: float = 0.0
    in_flight: float = 0.0
    running: float = 0.0
    locked: float = 0.0
    endpoints: dict[str, Endpoint] = field(default_factory=lambda: defaultdict(Endpoint))

    @property
    def cpu_a_request(self) -> float:
        return self.cpu / self.requests if self.requests else 0.0

    @property
    def database_a_request(self) -> float:
        """Seconds that a statement of the module's ran or waited in the database."""
        return (self.running + self.locked) / self.requests if self.requests else 0.0

    @property
    def elsewhere(self) -> float:
        """Seconds of a mean request that were spent on none of the module's own work: waiting for others' turns."""
        own = self.cpu_a_request + self.database_a_request + self.pool_wait
        return max(0.0, self.latency - own)


@dataclass(frozen=True)
class Window:
    """All applications that were looked at, by the prefix of their names."""

    seconds: float
    modules: Mapping[str, Module]
    serving: Mapping[str, Serving]

    def of(self, application: str) -> list[Module]:
        return [module for module in self.modules.values() if module.application == application]


def window_of(samples: Samples) -> Window:
    """What came between the first and the last sample. Raises NoEvidence."""
    moments = [moment for found in samples.values() for moment, _ in found]
    seconds = max(moments) - min(moments) if moments else 0.0
    if seconds <= 0:
        raise NoEvidence("there are not two moments to compare: the series have one sample, or none")
    reading = _Reading(seconds)
    for key, found in samples.items():
        reading.take(key, found)
    modules = reading.modules()
    if not any(module.requests for module in modules.values()):
        raise NoEvidence(
            "no request was counted between the first and the last look: is this the application's metrics page, does "
            "it export http_request_seconds, and is anybody using it?"
        )
    serving = {
        application: Serving(
            reading.gauges.get((application, "http_processes")), reading.gauges.get((application, "http_threads"))
        )
        for application in dict.fromkeys(module.application for module in modules.values())
    }
    return Window(seconds, modules, serving)


class _Reading:
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._modules: dict[str, Module] = {}
        self._buckets: dict[str, dict[float, float]] = defaultdict(lambda: defaultdict(float))
        self._sums: dict[tuple[str, str], float] = defaultdict(float)
        self.gauges: dict[tuple[str, str], float] = {}

    def take(self, key: SeriesKey, found: Sequence[Sample]) -> None:
        match = _NAME.match(key.name)
        if match is None or not found:
            return
        labels, series, part = dict(key.labels), match["series"], match["part"]
        application = match["prefix"] or "application"
        if series in ("http_threads", "http_processes"):
            of = application, series
            self.gauges[of] = self.gauges.get(of, 0.0) + fmean(value for _, value in found)
            return
        name = labels.get("module") or f"{application} service"
        module = self._modules.setdefault(name, Module(name, application))
        if series in ("http_in_flight", "database_sessions"):
            self._gauge(module, series, labels, fmean(value for _, value in found))
        else:
            self._counter(module, series, part, labels, _increase(found))

    def _gauge(self, module: Module, series: str, labels: Mapping[str, str], mean: float) -> None:
        if series == "http_in_flight":
            module.in_flight += mean
        elif labels.get("state") == "lock":
            module.locked += mean
        else:
            module.running += mean

    def _counter(
        self, module: Module, series: str, part: str | None, labels: Mapping[str, str], increase: float
    ) -> None:
        endpoint = module.endpoints[labels.get("endpoint") or labels.get("operation") or "all"]
        if series == "http_cpu_seconds":
            module.cpu += increase / self._seconds
            endpoint.cpu += increase / self._seconds
        elif series == "http_request_seconds" and part == "count":
            module.requests += increase / self._seconds
            endpoint.requests += increase / self._seconds
            if labels.get("status", "").startswith("5"):
                module.errors += increase / self._seconds
        elif series == "http_request_seconds" and part == "bucket":
            self._buckets[module.name][float(labels["le"])] += increase
        elif part in ("sum", "count"):
            self._sums[module.name, f"{series}_{part}"] += increase

    def modules(self) -> dict[str, Module]:
        for name, module in self._modules.items():
            requests = module.requests * self._seconds
            if requests:
                module.latency = self._sums[name, "http_request_seconds_sum"] / requests
                module.pool_wait = self._sums[name, "pool_wait_seconds_sum"] / requests
            module.p95 = _quantile(self._buckets[name], 0.95)
        return {name: module for name, module in self._modules.items() if module.requests or module.cpu}


def _increase(found: Sequence[Sample]) -> float:
    """Of a counter, which begins again at 0 when its process does."""
    total = 0.0
    for (_, before), (_, after) in pairwise(found):
        total += after - before if after >= before else after
    return total


def _quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """On a line between the bounds of the bucket that it falls in, as Prometheus does."""
    bounds = sorted(buckets)
    if not bounds or not buckets[bounds[-1]]:
        return None
    wanted, before, low = share * buckets[bounds[-1]], 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= wanted:
            if bound == float("inf"):
                return low
            within = buckets[bound] - before
            return low + (bound - low) * ((wanted - before) / within if within else 1.0)
        before, low = buckets[bound], bound
    return low
