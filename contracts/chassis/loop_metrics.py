"""Metrics of the background loops of a process."""

from prometheus_client import CollectorRegistry, Counter, Gauge


class LoopMetrics:
    """Counts failed steps of each loop, and records when a step last succeeded. Thread-safe."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._failures = Counter(
            "background_loop_failures", "Steps of a background loop that failed.", ["loop"], registry=registry
        )
        self._succeeded = Gauge(
            "background_loop_last_success_timestamp_seconds",
            "Unix time at which a step of the background loop last succeeded.",
            ["loop"],
            registry=registry,
        )

    def step_succeeded(self, loop: str) -> None:
        self._succeeded.labels(loop).set_to_current_time()
        self._failures.labels(loop)  # So that the series begins with 0.

    def step_failed(self, loop: str) -> None:
        self._failures.labels(loop).inc()
