"""Metrics of the calls of the scheduling service."""

from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Refusal = Literal["bulkhead", "breaker"]


class ServiceCallMetrics:
    """Duration and outcome of each call, and the state of bulkhead and circuit breaker. Thread-safe.

    With several processes, the gauges are sums over those that run.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "scheduling_client_call_seconds",
            "Duration of calls of the scheduling service, by `ok` or error code, retries included.",
            ["operation", "outcome"],
            buckets=_BUCKETS,
            registry=registry,
        )
        self._refused = Counter(
            "scheduling_client_refused",
            "Attempts that the bulkhead or the open circuit breaker refused, without a request.",
            ["by"],
            registry=registry,
        )
        for by in get_args(Refusal):
            self._refused.labels(by)  # So that the series begins with 0.
        self._retries = Counter("scheduling_client_retries", "Attempts that repeated a failed one.", registry=registry)
        self._openings = Counter(
            "scheduling_client_breaker_openings", "Times that a circuit breaker opened.", registry=registry
        )
        self.slots = _sum_gauge("scheduling_client_slots", "Concurrent calls that the bulkheads allow.", registry)
        self.in_flight = _sum_gauge("scheduling_client_calls_in_flight", "Calls that occupy a slot.", registry)
        self._open = _sum_gauge("scheduling_client_breakers_open", "Circuit breakers that are open.", registry)

    def finished(self, operation: str, outcome: str, seconds: float) -> None:
        """Record a call; `outcome` is `ok` or the code of its error."""
        self._seconds.labels(operation, outcome).observe(seconds)

    def refused(self, by: Refusal) -> None:
        self._refused.labels(by).inc()

    def retried(self) -> None:
        self._retries.inc()

    def breaker_changed(self, is_open: bool) -> None:
        """Record that a circuit breaker opened or closed; one that stays open after a failed probe did not change."""
        self._open.inc(1 if is_open else -1)
        if is_open:
            self._openings.inc()


def _sum_gauge(name: str, help_text: str, registry: CollectorRegistry) -> Gauge:
    return Gauge(name, help_text, registry=registry, multiprocess_mode="livesum")
