"""Metrics of the scheduling service's HTTP API."""

from pathlib import Path

from prometheus_client import Gauge, Histogram

from contracts.chassis.database_sessions import DatabaseSessions
from contracts.chassis.http_metrics import POOL_WAIT_BUCKETS, HttpMetrics

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class OperationMetrics(HttpMetrics):
    """`scheduling_http_*`, by operation, and the connection pool."""

    def __init__(self, folder: Path | None, sessions: DatabaseSessions) -> None:
        super().__init__(
            "scheduling", ["operation"], in_flight_labels=0, buckets=_BUCKETS, folder=folder, sessions=sessions
        )
        self.pool_size = Gauge(
            "scheduling_pool_size",
            "Connections that the pools of all processes may open.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        self._pool_wait = Histogram(
            "scheduling_pool_wait_seconds",
            "Waits for a free connection; a connection that is free at once is not counted.",
            buckets=POOL_WAIT_BUCKETS,
            registry=self.registry,
        )

    def pool_waited(self, seconds: float) -> None:
        """Record the wait of a request for a connection."""
        self._pool_wait.observe(seconds)
