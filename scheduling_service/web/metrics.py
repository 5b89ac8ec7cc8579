"""Metrics of the scheduling service's HTTP API."""

from pathlib import Path

from contracts.chassis.database_sessions import DatabaseSessions
from contracts.chassis.http_metrics import HttpMetrics

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class OperationMetrics(HttpMetrics):
    """`scheduling_http_*`, by operation."""

    def __init__(self, folder: Path | None, sessions: DatabaseSessions) -> None:
        super().__init__(
            "scheduling", ["operation"], in_flight_labels=0, buckets=_BUCKETS, folder=folder, sessions=sessions
        )
