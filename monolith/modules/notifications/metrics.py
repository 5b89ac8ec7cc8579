"""Metrics of the mail queue and of the reminders."""

from collections.abc import Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import Column, ColumnElement, func, select

from monolith.modules.notifications.tables import message, reminder
from monolith.shared.database import ModuleDatabase


class MailMetrics:
    """Counts what the sender of this process did. A mail about a series counts once for each of its appointments."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sent = Counter("mail_sent", "Notifications that the mail server accepted.", registry=registry)
        self.deferred = Counter(
            "mail_deferred", "Attempts to send a notification that failed and will be repeated.", registry=registry
        )
        self.failed = Counter("mail_failed", "Notifications that were given up.", registry=registry)


class MailBacklog:
    """Reads the queue, as a source of `ScrapedMetrics`. `database` connects as `notifications_sender`."""

    def __init__(self, database: ModuleDatabase) -> None:
        self._database = database

    def read(self) -> Iterator[Metric]:
        """Yield the metrics. Raises DatabaseUnavailable. Indexes message_due, reminder_due."""
        due, created = _seconds_since(message.c.next_attempt_at), _seconds_since(message.c.created_at)
        pending = select(func.count(), due, created).where(message.c.state == "pending")
        reminders = select(_seconds_since(reminder.c.due_at)).where(reminder.c.state == "waiting")
        with self._database.transaction() as connection:
            count, overdue, oldest = connection.execute(pending).one()
            reminder_overdue = connection.execute(reminders).scalar_one()
        for name, help_text, value in (
            ("mail_pending", "Notifications that are not sent yet, deferred ones included.", count),
            ("mail_overdue_seconds", "How long the oldest due notification has waited.", overdue),
            ("mail_oldest_seconds", "Age of the oldest notification that is not sent yet.", oldest),
            ("mail_reminder_overdue_seconds", "How long the oldest due reminder has waited.", reminder_overdue),
        ):
            yield GaugeMetricFamily(name, help_text, float(value))


def _seconds_since(column: Column[datetime]) -> ColumnElement[float]:
    """Return the seconds since the smallest value; 0 if it is in the future or there is none."""
    return func.greatest(0, func.coalesce(func.extract("epoch", func.now() - func.min(column)), 0))
