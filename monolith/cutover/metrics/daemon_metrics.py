"""Metrics of the work of the cutover daemon itself."""

from prometheus_client import CollectorRegistry, Counter


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

    def recovered(self, outcome: str) -> None:
        self._recovered.labels(outcome).inc()

    def poll_failed(self, worker: str) -> None:
        self._failures.labels(worker).inc()
