"""Metrics of the monolith, by module and endpoint."""

from collections.abc import Callable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from contracts.chassis.database_sessions import DatabaseSessions
from contracts.chassis.http_metrics import POOL_WAIT_BUCKETS, HttpMetrics

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics(HttpMetrics):
    """The metrics of requests by module and endpoint, pool waits, shadow reads and cached searches."""

    def __init__(
        self, folder: Path | None = None, sessions: DatabaseSessions | None = None, application: str = "monolith"
    ) -> None:
        super().__init__(
            application,
            ["module", "endpoint"],
            in_flight_labels=1,
            buckets=_BUCKETS,
            folder=folder,
            sessions=sessions or DatabaseSessions("monolith", {}),
        )
        self._pool_wait = Histogram(
            f"{application}_pool_wait_seconds",
            "Time until a connection of the module's pool was free.",
            ["module"],
            buckets=POOL_WAIT_BUCKETS,
            registry=self.registry,
        )
        self._pool_size = Gauge(
            f"{application}_pool_size",
            "Connections that the module's pools of all processes may open.",
            ["module"],
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._shadow_reads, self._shadow_seconds = _of_shadow_reads(self.registry)
        self._searches = _of_searches(self.registry)

    def add_pool(self, module: str, size: int) -> Callable[[float], None]:
        """Count a pool of `size` connections, and return the observer of its waits, for `on_pool_wait`."""
        self._pool_size.labels(module).inc(size)
        return self._pool_wait.labels(module).observe

    def shadow_read(self, operation: str, outcome: str, owner_seconds: float, candidate_seconds: float) -> None:
        """Count a shadow read by outcome; `candidate_seconds` is 0 if nothing was compared."""
        self._shadow_reads.labels(operation, outcome).inc()
        if candidate_seconds:
            self._shadow_seconds.labels(operation, "owner").inc(owner_seconds)
            self._shadow_seconds.labels(operation, "candidate").inc(candidate_seconds)

    def search_answered(self, cache_hit: bool) -> None:
        """Count a search; `cache_hit` tells whether the cache answered it."""
        self._searches.labels("yes" if cache_hit else "no").inc()


def _of_searches(registry: CollectorRegistry) -> Counter:
    return Counter(
        "monolith_searches_remembered",
        "Searches by whether the cache answered them; none without a cache.",
        ["remembered"],
        registry=registry,
    )


def _of_shadow_reads(registry: CollectorRegistry) -> tuple[Counter, Counter]:
    return (
        Counter(
            "monolith_shadow_reads",
            "Reads that were selected for shadowing, by outcome.",
            ["operation", "outcome"],
            registry=registry,
        ),
        Counter(
            "monolith_shadow_seconds",
            "Time of compared shadow reads, by side.",
            ["operation", "side"],
            registry=registry,
        ),
    )
