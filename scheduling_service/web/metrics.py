"""What the HTTP face counts, in Prometheus' terms."""

from contextlib import AbstractContextManager
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from contracts.chassis.database_sessions import DatabaseSessions

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Of this process, or of all processes that share `folder` (which prometheus_client itself knows from
    PROMETHEUS_MULTIPROC_DIR, and which must be empty when the server starts)."""

    def __init__(self, folder: Path | None, sessions: DatabaseSessions) -> None:
        self._folder = folder
        self._sessions = sessions
        self._registry = CollectorRegistry()
        self._registry.register(sessions)
        self._seconds = Histogram(
            "scheduling_http_request_seconds",
            "Time from the first look at a request to its answer.",
            ["operation", "status"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._cpu_seconds = Counter(
            "scheduling_http_cpu_seconds",
            "Processor time of the thread that served the request.",
            ["operation"],
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "scheduling_http_in_flight",
            "Requests being served now.",
            registry=self._registry,
            multiprocess_mode="livesum",
        )

    def serves(self, threads: int) -> None:
        """This process serves requests, with so many threads."""
        for name, words, value in (("threads", "Threads that serve.", threads), ("processes", "That serve.", 1)):
            gauge = Gauge(f"scheduling_http_{name}", words, registry=self._registry, multiprocess_mode="livesum")
            gauge.set(value)

    def in_flight(self) -> AbstractContextManager[None]:
        return self._in_flight.track_inprogress()

    def observe(self, operation: str, status: int, seconds: float, cpu_seconds: float) -> None:
        self._seconds.labels(operation, str(status)).observe(seconds)
        self._cpu_seconds.labels(operation).inc(cpu_seconds)

    def exposition(self) -> bytes:
        """The text format, version 0.0.4. Looks into the database, which it does not wait for."""
        if self._folder is None:
            return generate_latest(self._registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared, path=str(self._folder))  # type: ignore[no-untyped-call]
        shared.register(self._sessions)
        return generate_latest(shared)
