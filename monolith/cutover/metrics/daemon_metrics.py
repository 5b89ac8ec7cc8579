"""Metrics of the work of the cutover daemon itself."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from contracts.scheduling.values import DatabaseName
from monolith.cutover.states import OVER


class DaemonMetrics:
    """Counts the cutovers that this daemon settled, and the polls that found no database. Thread-safe."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._recovered = Counter(
            "cutover_recoveries",
            "Cutovers whose controller was gone and that this daemon settled, by outcome.",
            ["outcome"],
            registry=registry,
        )
        self._failures = Counter(
            "cutover_poll_failures",
            "Polls of a worker of this daemon that failed because a database was unreachable.",
            ["worker"],
            registry=registry,
        )
        self._recovery = Gauge(
            "cutover_recovery_required",
            "Whether the database was restored or failed over, or has void leases, and waits for `extraction recover`.",
            ["database"],
            registry=registry,
        )

        for outcome in OVER:
            self._recovered.labels(outcome)  # So that the series begins with 0.

    def add_worker(self, worker: str) -> None:
        """Count the failed polls of the worker from 0."""
        self._failures.labels(worker)

    def recovered(self, outcome: str) -> None:
        self._recovered.labels(outcome).inc()

    def recovery_required(self, database: DatabaseName, required: bool) -> None:
        self._recovery.labels(database).set(required)

    def poll_failed(self, worker: str) -> None:
        self._failures.labels(worker).inc()
