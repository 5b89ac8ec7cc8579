"""Metrics of the relay."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from contracts.scheduling.values import DatabaseName
from scheduling_service.relay.outbox import Backlog


class RelayMetrics:
    """The metrics of the relay of one database, registered with `registry`.

    The backlog is that of the active relay; any other relay of the database reports 0.
    """

    def __init__(self, registry: CollectorRegistry, database: DatabaseName) -> None:
        def gauge(name: str, help_text: str) -> Gauge:
            return Gauge(name, help_text, ["database"], registry=registry).labels(database)

        def counter(name: str, help_text: str) -> Counter:
            return Counter(name, help_text, ["database"], registry=registry).labels(database)

        self.active = gauge("outbox_relay_active", "1 in the process that is active.")
        self.published = counter("outbox_published", "Events published to the stream.")
        self.published_again = counter("outbox_published_again", "Published events that Redis had lost before.")
        self.waiting = gauge("outbox_waiting", "Committed events that are not published yet.")
        self.oldest_seconds = gauge("outbox_oldest_seconds", "Age of the oldest event that is not published yet.")

    def set_backlog(self, backlog: Backlog) -> None:
        self.waiting.set(backlog.rows)
        self.oldest_seconds.set(backlog.oldest_seconds)

    def no_longer_active(self) -> None:
        """Report that this relay does not publish, and knows no backlog."""
        self.active.set(0)
        self.set_backlog(Backlog(0, 0.0))
