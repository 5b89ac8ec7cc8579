"""What the relay can be watched by."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from scheduling_service.relay.outbox import Backlog


class RelayMetrics:
    """Registered with `registry`; a process has one relay per registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.active = Gauge("outbox_relay_active", "1 in the process that publishes.", registry=registry)
        self.published = Counter("outbox_published", "Events put into the stream.", registry=registry)
        self.published_again = Counter(
            "outbox_published_again", "Of those, events that Redis had lost.", registry=registry
        )
        self.waiting = Gauge("outbox_waiting", "Committed events that are not yet published.", registry=registry)
        self.oldest_seconds = Gauge(
            "outbox_oldest_seconds", "Age of the oldest event that is not yet published.", registry=registry
        )

    def show(self, backlog: Backlog) -> None:
        self.waiting.set(backlog.rows)
        self.oldest_seconds.set(backlog.oldest_seconds)
