"""What the monolith counts, per module and endpoint, in Prometheus' terms."""

from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from contracts.chassis.database_sessions import DatabaseSessions

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_WAIT_BUCKETS = (0.0001, 0.001, 0.01, 0.1, 0.5, 1.0, 2.5)


class Metrics:
    """Of this process, or of all processes that share `folder` (which prometheus_client itself knows from
    PROMETHEUS_MULTIPROC_DIR, and which must be empty when the server starts)."""

    def __init__(self, folder: Path | None = None, sessions: DatabaseSessions | None = None) -> None:
        self._folder = folder
        self._sessions = sessions or DatabaseSessions("monolith", {})
        self._registry = CollectorRegistry()
        self._registry.register(self._sessions)
        self._seconds = Histogram(
            "monolith_http_request_seconds",
            "Time from the first look at a request to its answer.",
            ["module", "endpoint", "status"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._cpu_seconds = Counter(
            "monolith_http_cpu_seconds",
            "Processor time of the thread that served the request.",
            ["module", "endpoint"],
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "monolith_http_in_flight",
            "Requests being served now.",
            ["module"],
            registry=self._registry,
            multiprocess_mode="livesum",
        )
        self._pool_wait = Histogram(
            "monolith_pool_wait_seconds",
            "Time until a connection of the module's pool was free.",
            ["module"],
            buckets=_WAIT_BUCKETS,
            registry=self._registry,
        )
        self._shadow_reads, self._shadow_seconds = _of_shadow_reads(self._registry)
        self._searches = _of_searches(self._registry)
        self._children: dict[tuple[str, str, int], tuple[Histogram, Counter]] = {}
        self._gauges: dict[str, Gauge] = {}

    def began(self, module: str, endpoint: str) -> None:
        """A request was routed to the endpoint. Each of these is followed by one `ended`."""
        gauge = self._gauges.get(module)
        if gauge is None:
            gauge = self._gauges[module] = self._in_flight.labels(module)
        gauge.inc()

    def ended(self, module: str, endpoint: str, status: int, seconds: float, cpu_seconds: float) -> None:
        """The request was answered. Without a module it was never routed, and nothing is counted."""
        if not module:
            return
        histogram, counter = self._children.get((module, endpoint, status)) or self._add(module, endpoint, status)
        histogram.observe(seconds)
        counter.inc(cpu_seconds)
        self._gauges[module].dec()

    def pool_wait(self, module: str) -> Callable[[float], None]:
        """For `Database(waited=...)`."""
        return self._pool_wait.labels(module).observe

    def shadow_read(self, operation: str, outcome: str, owner_seconds: float, candidate_seconds: float) -> None:
        """A read was chosen to be shadowed, and this came of it; without the candidate's time nothing was compared."""
        self._shadow_reads.labels(operation, outcome).inc()
        if candidate_seconds:
            self._shadow_seconds.labels(operation, "owner").inc(owner_seconds)
            self._shadow_seconds.labels(operation, "candidate").inc(candidate_seconds)

    def search_answered(self, remembered: bool) -> None:
        self._searches.labels("yes" if remembered else "no").inc()

    def serves(self, threads: int) -> None:
        """This process serves requests, with so many threads."""
        for name, words, value in (("threads", "Threads that serve.", threads), ("processes", "That serve.", 1)):
            gauge = Gauge(f"monolith_http_{name}", words, registry=self._registry, multiprocess_mode="livesum")
            gauge.set(value)

    def exposition(self) -> bytes:
        """The text format, version 0.0.4. Looks into the database, which it does not wait for."""
        if self._folder is None:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared, path=str(self._folder))  # type: ignore[no-untyped-call]
        shared.register(self._sessions)
        return generate_latest(shared)

    def _add(self, module: str, endpoint: str, status: int) -> tuple[Histogram, Counter]:
        children = (self._seconds.labels(module, endpoint, str(status)), self._cpu_seconds.labels(module, endpoint))
        self._children[module, endpoint, status] = children
        return children


def _of_searches(registry: CollectorRegistry) -> Counter:
    return Counter(
        "monolith_searches_remembered",
        "Searches, by whether they were answered from memory; none where no answer is remembered.",
        ["remembered"],
        registry=registry,
    )


def _of_shadow_reads(registry: CollectorRegistry) -> tuple[Counter, Counter]:
    return (
        Counter(
            "monolith_shadow_reads",
            "Reads that both sides of the extraction were to be asked.",
            ["operation", "outcome"],
            registry=registry,
        ),
        Counter(
            "monolith_shadow_seconds",
            "What shadow reads that were compared took either side.",
            ["operation", "side"],
            registry=registry,
        ),
    )
