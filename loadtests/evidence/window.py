"""From samples of the documented series to what each module did, and waited for, in a window of time."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
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

_OF_THE_SERIES: Final = {"module", "endpoint", "operation", "status", "state", "le"}


class InsufficientData(Exception):
    """What is missing, in one sentence."""


@dataclass
class EndpointUsage:
    """Requests a second, and the processor cores they kept busy."""

    requests: float = 0.0
    cpu: float = 0.0


class ServingCapacity(NamedTuple):
    """What one application (one prefix of names) serves with; None where it does not say. `looks`: how often it was
    looked at."""

    processes: float | None
    threads: float | None
    looks: int


@dataclass
class ModuleUsage:
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
    endpoints: dict[str, EndpointUsage] = field(default_factory=lambda: defaultdict(EndpointUsage))

    @property
    def is_at_work(self) -> bool:
        """Also when all its requests still wait for a lock."""
        return bool(self.requests or self.cpu or self.locked)

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
class UsageWindow:
    """All applications that were looked at, by the prefix of their names."""

    seconds: float
    modules: Mapping[str, ModuleUsage]
    serving: Mapping[str, ServingCapacity]

    def of(self, application: str) -> list[ModuleUsage]:
        return [module for module in self.modules.values() if module.application == application]


def build_window(samples: Samples) -> UsageWindow:
    """What came between the first and the last sample. Raises NoEvidence."""
    moments = [moment for found in samples.values() for moment, _ in found]
    if max(map(len, samples.values()), default=0) < 2:
        raise InsufficientData(
            "there are not two moments to compare: look for longer, by --seconds; of Prometheus ask for a --window of "
            "several of its scrape intervals"
        )
    reading = _Reading(max(moments) - min(moments), _first_looks(samples))
    for key, found in samples.items():
        reading.take(key, found)
    modules = reading.modules()
    if not any(module.requests for module in modules.values()):
        raise InsufficientData(
            "no request was counted between the first and the last look: is this the application's metrics page, does "
            "it export http_request_seconds, and is anybody using it?"
        )
    return UsageWindow(reading.seconds, modules, reading.serving())


_Of = tuple[str, str]
"""A module, by its application and its name there."""

_Labels = frozenset[tuple[str, str]]


def _place(key: SeriesKey) -> _Labels:
    """Where a series was found: which page, or which job and instance."""
    return frozenset(label for label in key.labels if label[0] not in _OF_THE_SERIES)


def _first_looks(samples: Samples) -> dict[_Labels, float]:
    first: dict[_Labels, float] = {}
    for key, found in samples.items():
        if found:
            place = _place(key)
            first[place] = min(found[0][0], first.get(place, found[0][0]))
    return first


class _Reading:
    def __init__(self, seconds: float, first_looks: Mapping[_Labels, float]) -> None:
        self.seconds = seconds
        self._first_looks = first_looks
        self._modules: dict[_Of, ModuleUsage] = {}
        self._looks: dict[str, int] = defaultdict(int)
        self._buckets: dict[_Of, dict[float, float]] = defaultdict(lambda: defaultdict(float))
        self._sums: dict[tuple[_Of, str], float] = defaultdict(float)
        self._sessions: dict[tuple[_Of, str], list[float]] = defaultdict(list)
        self._gauges: dict[tuple[str, str], float] = {}

    def take(self, key: SeriesKey, found: Sequence[Sample]) -> None:
        match = _NAME.match(key.name)
        if match is None or not found:
            return
        labels, series, part = dict(key.labels), match["series"], match["part"]
        application = match["prefix"] or "application"
        self._looks[application] = max(self._looks[application], len(found))
        if series in ("http_threads", "http_processes"):
            of = application, series
            self._gauges[of] = self._gauges.get(of, 0.0) + _average(found, self.seconds)
            return
        whose = application, labels.get("module") or application
        module = self._modules.setdefault(whose, ModuleUsage(whose[1], application))
        if series == "database_sessions":
            self._sessions[whose, labels.get("state", "running")] += [value for _, value in found]
        elif series == "http_in_flight":
            module.in_flight += _average(found, self.seconds)
        else:
            late = found[0][0] > self._first_looks[_place(key)]
            self._counter(whose, series, part, labels, _increase(found, from_nothing=late))

    def _counter(self, whose: _Of, series: str, part: str | None, labels: Mapping[str, str], increase: float) -> None:
        module = self._modules[whose]
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
            self._buckets[whose][float(labels["le"])] += increase
        elif part in ("sum", "count"):
            self._sums[whose, f"{series}_{part}"] += increase

    def modules(self) -> dict[str, ModuleUsage]:
        """By a name that is theirs alone."""
        for whose, module in self._modules.items():
            requests = module.requests * self.seconds
            if requests:
                module.latency = self._sums[whose, "http_request_seconds_sum"] / requests
                module.pool_wait = self._sums[whose, "pool_wait_seconds_sum"] / requests
            module.p95 = _quantile(self._buckets[whose], 0.95)
            # Each instance tells of all sessions in the database that they share: their mean, not their sum.
            module.running = fmean(self._sessions[whose, "running"] or [0.0])
            module.locked = fmean(self._sessions[whose, "lock"] or [0.0])
        found = {whose: module for whose, module in self._modules.items() if module.is_at_work}
        for whose, module in found.items():
            module.name = _name(whose, found)
        return {module.name: module for module in found.values()}

    def serving(self) -> dict[str, ServingCapacity]:
        return {
            application: ServingCapacity(
                self._serving_with(application, "http_processes"),
                self._serving_with(application, "http_threads"),
                looks,
            )
            for application, looks in self._looks.items()
        }

    def _serving_with(self, application: str, series: str) -> float | None:
        found = self._gauges.get((application, series))
        return None if found is None else round(found, 1)


def _name(whose: _Of, others: Iterable[_Of]) -> str:
    """A module named like its application is all of it, so that application is a service."""
    application, module = whose
    if module == application:
        return f"{module} service"
    alone = sum(name == module and name != of for of, name in others) == 1
    return module if alone else f"{module} of {application}"


def _average(found: Sequence[Sample], seconds: float) -> float:
    """Of a gauge over the whole window: an instance that was there for a part of it counts for that part."""
    lasted = found[-1][0] - found[0][0]
    each = lasted / (len(found) - 1) if len(found) > 1 else 0.0
    return fmean(value for _, value in found) * min(1.0, (lasted + each) / (seconds + each))


def _increase(found: Sequence[Sample], *, from_nothing: bool) -> float:
    """Of a counter, which begins again at 0 when its process does. `from_nothing`: it was not there when its page was
    looked at first, so it began at 0 since."""
    total = found[0][1] if from_nothing else 0.0
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
