"""Metrics of webhook deliveries: what was attempted, and what waits."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import text

from monolith.shared.database import ModuleDatabase

# Index webhook_delivery_due
_WAITING = text("""
    SELECT count(*), greatest(0, coalesce(extract(epoch FROM now() - min(next_attempt_at)), 0))
      FROM notifications.webhook_delivery JOIN notifications.webhook USING (webhook_id)
     WHERE state = 'pending' AND disabled_at IS NULL
""")
# A sequential scan of a table of at most some thousand rows.
_ENABLED = text("SELECT count(*), count(failing_since) FROM notifications.webhook WHERE disabled_at IS NULL")


class WebhookMetrics:
    """Counts what the senders of this process did."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.delivered = Counter("webhook_delivered", "Deliveries that a receiver accepted.", registry=registry)
        self.failed = Counter(
            "webhook_failed", "Attempts to deliver that failed and will be repeated.", registry=registry
        )
        self.dead = Counter(
            "webhook_dead", "Deliveries that were given up; their owner can replay them.", registry=registry
        )


class WebhookBacklog:
    """Reads the queue, as a source of `ScrapedMetrics`. `database` connects as `notifications_sender`."""

    def __init__(self, database: ModuleDatabase) -> None:
        self._database = database

    def read(self) -> Iterator[Metric]:
        """Yield the metrics. Raises DatabaseUnavailable."""
        with self._database.transaction() as connection:
            waiting, overdue = connection.execute(_WAITING).one()
            enabled, failing = connection.execute(_ENABLED).one()
        for name, help_text, value in (
            (
                "webhook_pending",
                "Deliveries to enabled webhooks that are not made yet, repeated ones included.",
                waiting,
            ),
            ("webhook_overdue_seconds", "How long the oldest due delivery has waited.", overdue),
            ("webhook_enabled", "Webhooks that are not disabled.", enabled),
            ("webhook_failing", "Enabled webhooks whose last delivery failed.", failing),
        ):
            yield GaugeMetricFamily(name, help_text, float(value))
