"""Metrics of the relay."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from scheduling_service.relay.outbox import Backlog


class RelayMetrics:
    """The metrics of one relay, registered with `registry`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.active = Gauge("outbox_relay_active", "1 in the process that is active.", registry=registry)
        self.published = Counter("outbox_published", "Events published to the stream.", registry=registry)
        self.published_again = Counter(
            "outbox_published_again", "Published events that Redis had lost before.", registry=registry
        )
        self.waiting = Gauge("outbox_waiting", "Committed events that are not published yet.", registry=registry)
        self.oldest_seconds = Gauge(
            "outbox_oldest_seconds", "Age of the oldest event that is not published yet.", registry=registry
        )

    def set_backlog(self, backlog: Backlog) -> None:
        self.waiting.set(backlog.rows)
        self.oldest_seconds.set(backlog.oldest_seconds)
