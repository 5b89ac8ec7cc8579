"""The metrics of an HTTP server that every deployable exposes, for Prometheus."""

from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from contracts.chassis.admission import Priority
from contracts.chassis.database_sessions import DatabaseSessions

POOL_WAIT_BUCKETS = (0.0001, 0.001, 0.01, 0.1, 0.5, 1.0, 2.5)
"""In seconds, of histograms of the wait for a pooled connection."""


class HttpMetrics:
    """Requests by route: number, duration, processor time and requests in flight; threads and processes that serve.

    Counts for this process, or for all processes that share `folder`; prometheus_client reads the same folder from
    PROMETHEUS_MULTIPROC_DIR, and it must be empty when the server starts. `route_labels` identify a route, and the
    first `in_flight_labels` of them label the requests in flight. Subclasses add metrics to `registry`. Thread-safe.
    """

    def __init__(
        self,
        application: str,
        route_labels: Sequence[str],
        *,
        in_flight_labels: int,
        buckets: Sequence[float],
        folder: Path | None,
        sessions: DatabaseSessions,
    ) -> None:
        self._application = application
        self._folder = folder
        self._sessions = sessions
        self._in_flight_labels = in_flight_labels
        self.registry = CollectorRegistry()
        self.registry.register(sessions)
        self._seconds = Histogram(
            f"{application}_http_request_seconds",
            "Duration of requests.",
            [*route_labels, "status"],
            buckets=buckets,
            registry=self.registry,
        )
        self._cpu_seconds = Counter(
            f"{application}_http_cpu_seconds",
            "Processor time of the thread that served the request.",
            route_labels,
            registry=self.registry,
        )
        self._in_flight = Gauge(
            f"{application}_http_in_flight",
            "Requests being served.",
            route_labels[:in_flight_labels],
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._refused = _refusals(application, self.registry)
        self._children: dict[tuple[tuple[str, ...], int], tuple[Histogram, Counter]] = {}
        self._gauges: dict[tuple[str, ...], Gauge] = {}

    def serving(self, threads: int) -> None:
        """Count this process as one that serves requests with `threads` threads. Call it once, after the fork."""
        for name, help_text, value in (
            ("threads", "Threads that serve requests.", threads),
            ("processes", "Processes that serve requests.", 1),
        ):
            full_name = f"{self._application}_http_{name}"
            Gauge(full_name, help_text, registry=self.registry, multiprocess_mode="livesum").set(value)
        for priority in Priority:
            # A rate over the first refusal needs the 0 before it.
            self._refused.labels(priority.name.lower())

    def request_started(self, route: tuple[str, ...]) -> None:
        """Count a request as in flight. Each call is followed by one of `request_finished`."""
        self._gauge(route[: self._in_flight_labels]).inc()

    def request_finished(self, route: tuple[str, ...], status: int, seconds: float, cpu_seconds: float) -> None:
        """Count a finished request."""
        histogram, counter = self._children.get((route, status)) or self._add(route, status)
        histogram.observe(seconds)
        counter.inc(cpu_seconds)
        self._gauge(route[: self._in_flight_labels]).dec()

    def request_refused(self, priority: Priority) -> None:
        """Count a request that the server refused before the application saw it."""
        self._refused.labels(priority.name.lower()).inc()

    def exposition(self) -> bytes:
        """Return the metrics in the text format, version 0.0.4. Waits for the database sessions for a bounded time."""
        if self._folder is None:
            return generate_latest(self.registry)
        shared = CollectorRegistry()
        MultiProcessCollector(shared, path=str(self._folder))  # type: ignore[no-untyped-call]
        shared.register(self._sessions)
        return generate_latest(shared)

    def _gauge(self, labels: tuple[str, ...]) -> Gauge:
        gauge = self._gauges.get(labels)
        if gauge is None:
            gauge = self._gauges[labels] = self._in_flight.labels(*labels) if labels else self._in_flight
        return gauge

    def _add(self, route: tuple[str, ...], status: int) -> tuple[Histogram, Counter]:
        children = (self._seconds.labels(*route, str(status)), self._cpu_seconds.labels(*route))
        self._children[route, status] = children
        return children


def _refusals(application: str, registry: CollectorRegistry) -> Counter:
    name, help_text = f"{application}_http_refused", "Requests that admission refused with 503, by priority."
    return Counter(name, help_text, ["priority"], registry=registry)
