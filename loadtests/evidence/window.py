"""Usage of each module in a time window, computed from samples of the documented series."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean
from typing import Final, NamedTuple

Sample = tuple[float, float]
"""A time in seconds since 1970, and the value at that time."""


class SeriesKey(NamedTuple):
    """The name and labels of one series."""

    name: str
    labels: tuple[tuple[str, str], ...]


Samples = Mapping[SeriesKey, Sequence[Sample]]

_NAME: Final = re.compile(
    r"^(?:(?P<prefix>\w+?)_)?"
    r"(?P<series>http_request_seconds|http_cpu_seconds|http_in_flight|http_threads|http_processes|pool_wait_seconds"
    r"|database_sessions)(?:_(?P<part>bucket|sum|count|total))?$"
)

_OF_THE_SERIES: Final = {"module", "endpoint", "operation", "status", "state", "le"}


class InsufficientData(Exception):
    """The missing data, in one sentence."""


@dataclass
class EndpointUsage:
    """Requests per second, and the processor cores they used."""

    requests: float = 0.0
    cpu: float = 0.0


class ServingCapacity(NamedTuple):
    """Processes and threads of one application (one prefix of series names), None if not exported, and the number of
    its scrapes."""

    processes: float | None
    threads: float | None
    scrapes: int


@dataclass
class ModuleUsage:
    """Usage of one module.

    `requests` and `errors` are per second; `latency` and `pool_wait` are mean seconds per request; `cpu` is in cores;
    `running` and `locked` are mean numbers of database sessions; `p95` and `p99` are in seconds, None without requests.
    """

    name: str
    application: str
    requests: float = 0.0
    errors: float = 0.0
    latency: float = 0.0
    p95: float | None = None
    p99: float | None = None
    cpu: float = 0.0
    pool_wait: float = 0.0
    in_flight: float = 0.0
    running: float = 0.0
    locked: float = 0.0
    endpoints: dict[str, EndpointUsage] = field(default_factory=lambda: defaultdict(EndpointUsage))

    @property
    def is_active(self) -> bool:
        """True also while all its requests wait for a lock."""
        return bool(self.requests or self.cpu or self.locked)

    @property
    def cpu_per_request(self) -> float:
        return self.cpu / self.requests if self.requests else 0.0

    @property
    def database_per_request(self) -> float:
        """Seconds of a mean request that its statements ran or waited in the database."""
        return (self.running + self.locked) / self.requests if self.requests else 0.0

    @property
    def unexplained(self) -> float:
        """Seconds of a mean request outside the module's own work: it waited while others were served."""
        own = self.cpu_per_request + self.database_per_request + self.pool_wait
        return max(0.0, self.latency - own)


@dataclass(frozen=True)
class UsageWindow:
    """All modules, by name, and the capacity of each application."""

    seconds: float
    modules: Mapping[str, ModuleUsage]
    serving: Mapping[str, ServingCapacity]

    def of(self, application: str) -> list[ModuleUsage]:
        return [module for module in self.modules.values() if module.application == application]


def build_window(samples: Samples) -> UsageWindow:
    """Compute the usage between the first and the last sample. Raises InsufficientData."""
    moments = [moment for found in samples.values() for moment, _ in found]
    if max(map(len, samples.values()), default=0) < 2:
        raise InsufficientData(
            "at least two scrapes are required: use a longer --seconds; with Prometheus, a --window of several scrape "
            "intervals"
        )
    accumulator = _Accumulator(max(moments) - min(moments), _first_scrapes(samples))
    for key, found in samples.items():
        accumulator.add(key, found)
    modules = accumulator.modules()
    if not any(module.requests for module in modules.values()):
        raise InsufficientData(
            "no request was counted between the first and the last scrape: is this the application's metrics page, "
            "does it export http_request_seconds, and is it under load?"
        )
    return UsageWindow(accumulator.seconds, modules, accumulator.serving())


def is_usage_series(name: str) -> bool:
    """Return whether a series is one of those that a window is computed from."""
    return _NAME.match(name) is not None


_ModuleId = tuple[str, str]
"""A module: its application, and its name there."""

_Labels = frozenset[tuple[str, str]]


def _source(key: SeriesKey) -> _Labels:
    """Return the labels that identify the scraped page: its number, or job and instance."""
    return frozenset(label for label in key.labels if label[0] not in _OF_THE_SERIES)


def _first_scrapes(samples: Samples) -> dict[_Labels, float]:
    first: dict[_Labels, float] = {}
    for key, found in samples.items():
        if found:
            source = _source(key)
            first[source] = min(found[0][0], first.get(source, found[0][0]))
    return first


class _Accumulator:
    def __init__(self, seconds: float, first_scrapes: Mapping[_Labels, float]) -> None:
        self.seconds = seconds
        self._first_scrapes = first_scrapes
        self._modules: dict[_ModuleId, ModuleUsage] = {}
        self._scrapes: dict[str, int] = defaultdict(int)
        self._buckets: dict[_ModuleId, dict[float, float]] = defaultdict(lambda: defaultdict(float))
        self._sums: dict[tuple[_ModuleId, str], float] = defaultdict(float)
        self._sessions: dict[tuple[_ModuleId, str], list[float]] = defaultdict(list)
        self._gauges: dict[tuple[str, str], float] = {}

    def add(self, key: SeriesKey, found: Sequence[Sample]) -> None:
        match = _NAME.match(key.name)
        if match is None or not found:
            return
        labels, series, part = dict(key.labels), match["series"], match["part"]
        application = match["prefix"] or "application"
        self._scrapes[application] = max(self._scrapes[application], len(found))
        if series in ("http_threads", "http_processes"):
            gauge = application, series
            self._gauges[gauge] = self._gauges.get(gauge, 0.0) + _average(found, self.seconds)
            return
        module_id = application, labels.get("module") or application
        module = self._modules.setdefault(module_id, ModuleUsage(module_id[1], application))
        if series == "database_sessions":
            self._sessions[module_id, labels.get("state", "running")] += [value for _, value in found]
        elif series == "http_in_flight":
            module.in_flight += _average(found, self.seconds)
        else:
            started_later = found[0][0] > self._first_scrapes[_source(key)]
            self._add_counter(module_id, series, part, labels, _increase(found, from_zero=started_later))

    def _add_counter(
        self, module_id: _ModuleId, series: str, part: str | None, labels: Mapping[str, str], increase: float
    ) -> None:
        module = self._modules[module_id]
        endpoint = module.endpoints[labels.get("endpoint") or labels.get("operation") or "all"]
        if series == "http_cpu_seconds":
            module.cpu += increase / self.seconds
            endpoint.cpu += increase / self.seconds
        elif series == "http_request_seconds" and part == "count":
            module.requests += increase / self.seconds
            endpoint.requests += increase / self.seconds
            if labels.get("status", "").startswith("5"):
                module.errors += increase / self.seconds
        elif series == "http_request_seconds" and part == "bucket":
            self._buckets[module_id][float(labels["le"])] += increase
        elif part in ("sum", "count"):
            self._sums[module_id, f"{series}_{part}"] += increase

    def modules(self) -> dict[str, ModuleUsage]:
        """Return the active modules by unique name."""
        for module_id, module in self._modules.items():
            requests = module.requests * self.seconds
            if requests:
                module.latency = self._sums[module_id, "http_request_seconds_sum"] / requests
                module.pool_wait = self._sums[module_id, "pool_wait_seconds_sum"] / requests
            module.p95 = _quantile(self._buckets[module_id], 0.95)
            module.p99 = _quantile(self._buckets[module_id], 0.99)
            # Every instance reports all sessions of the shared database, so take their mean and not their sum.
            module.running = fmean(self._sessions[module_id, "running"] or [0.0])
            module.locked = fmean(self._sessions[module_id, "lock"] or [0.0])
        found = {module_id: module for module_id, module in self._modules.items() if module.is_active}
        for module_id, module in found.items():
            module.name = _name(module_id, found)
        return {module.name: module for module in found.values()}

    def serving(self) -> dict[str, ServingCapacity]:
        return {
            application: ServingCapacity(
                self._gauge(application, "http_processes"),
                self._gauge(application, "http_threads"),
                scrapes,
            )
            for application, scrapes in self._scrapes.items()
        }

    def _gauge(self, application: str, series: str) -> float | None:
        found = self._gauges.get((application, series))
        return None if found is None else round(found, 1)


def _name(module_id: _ModuleId, others: Iterable[_ModuleId]) -> str:
    """Return a unique name; a module named like its application is a whole service."""
    application, module = module_id
    if module == application:
        return f"{module} service"
    is_unique = sum(name == module and name != application for application, name in others) == 1
    return module if is_unique else f"{module} of {application}"


def _average(found: Sequence[Sample], seconds: float) -> float:
    """Return the mean of a gauge over the whole window; an instance that ran for part of it counts for that part."""
    duration = found[-1][0] - found[0][0]
    interval = duration / (len(found) - 1) if len(found) > 1 else 0.0
    return fmean(value for _, value in found) * min(1.0, (duration + interval) / (seconds + interval))


def _increase(found: Sequence[Sample], *, from_zero: bool) -> float:
    """Return the increase of a counter, which restarts at 0 with its process.

    `from_zero` is for counters missing from the first scrape of their page: they started at 0 after it.
    """
    total = found[0][1] if from_zero else 0.0
    for (_, before), (_, after) in pairwise(found):
        total += after - before if after >= before else after
    return total


def _quantile(buckets: Mapping[float, float], share: float) -> float | None:
    """Interpolate linearly within the bucket, as Prometheus does."""
    bounds = sorted(buckets)
    if not bounds or not buckets[bounds[-1]]:
        return None
    target, before, low = share * buckets[bounds[-1]], 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= target:
            if bound == float("inf"):
                return low
            within = buckets[bound] - before
            return low + (bound - low) * ((target - before) / within if within else 1.0)
        before, low = buckets[bound], bound
    return low
