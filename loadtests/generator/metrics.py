"""Prometheus metrics of the generator while it runs: `--metrics-port`.

A Grafana dashboard for them is in `deploy/observability/grafana`.
"""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from loadtests.generator.api_client import LoadError
from loadtests.generator.journeys import SESSIONS
from loadtests.generator.promises import DEFAULT_LIMITS, PromiseLimits
from loadtests.generator.rows import RequestRow

LATENCY_BUCKETS: Final = (
    0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0,
)  # fmt: skip
DELAY_BUCKETS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
_REQUEST: Final = ("side", "module", "journey")


class GeneratorMetrics:
    """Counts each row once. A master counts the rows that its workers report."""

    def __init__(self, promises: PromiseLimits = DEFAULT_LIMITS) -> None:
        self.registry = CollectorRegistry()
        self.promises = promises
        self._requests = Counter(
            "loadtest_requests",
            "Due requests by outcome: ok, conflict, error, or dropped by the generator's own limits.",
            [*_REQUEST, "outcome"],
            registry=self.registry,
        )
        self._kept = Counter(
            "loadtest_promises_kept", "Requests answered properly within their limit.", _REQUEST, registry=self.registry
        )
        self._latency = Histogram(
            "loadtest_latency_seconds",
            "From the intended start to the response, of answered requests.",
            _REQUEST,
            registry=self.registry,
            buckets=LATENCY_BUCKETS,
        )
        self._add_generator()

    def count(self, row: RequestRow) -> None:
        labels = (row.side, row.module, row.journey)
        self._requests.labels(*labels, row.outcome).inc()
        if self.promises.kept(row):
            self._kept.labels(*labels).inc()
        if row.answered_properly:
            self._latency.labels(*labels).observe(row.latency)
        if row.outcome != "dropped":
            self._delay.observe(row.sent - row.due)
        if row.session and (row.outcome != "ok" or row.step == len(SESSIONS[row.session]) - 1):
            outcome = "completed" if row.outcome == "ok" else row.outcome
            self._sessions.labels(row.side, row.session, row.journey, outcome).inc()

    def _add_generator(self) -> None:
        """Add the metrics of sessions and of the generator itself."""
        self._delay = Histogram(
            "loadtest_send_delay_seconds",
            "The generator's own delay: from the intended start to the sending.",
            registry=self.registry,
            buckets=DELAY_BUCKETS,
        )
        self._sessions = Counter(
            "loadtest_sessions",
            "Ended sessions, by the journey and the outcome; a conflict that is retried counts as well.",
            ["side", "session", "journey", "outcome"],
            registry=self.registry,
        )
        self.planned = Gauge("loadtest_planned_arrivals", "Arrivals of the whole schedule.", registry=self.registry)
        self.intended_rate = Gauge(
            "loadtest_intended_rate",
            "Scheduling arrivals a second that the scenario intends now.",
            registry=self.registry,
        )
        self.in_flight = Gauge("loadtest_in_flight", "Requests without a response yet.", registry=self.registry)
        self.cpu = Gauge(
            "loadtest_generator_cpu_ratio",
            "Share of its core that the busiest process of the generator used.",
            registry=self.registry,
        )


def serve_metrics(metrics: GeneratorMetrics, host: str, port: int) -> None:
    """Serve the metrics until the process ends. Raises LoadError if the port is taken."""
    try:
        start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise LoadError(f"the metrics cannot be served on {host}:{port}: {error.strerror}") from error
