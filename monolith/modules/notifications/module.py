"""Composition of the notifications module."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry
from sqlalchemy import Connection

from contracts.chassis.loops import Loop
from contracts.chassis.scraped_metrics import ReadMetrics
from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.letters import LetterSender
from monolith.modules.notifications.mail import SenderIdentity
from monolith.modules.notifications.metrics import MailBacklog, MailMetrics
from monolith.modules.notifications.model import Recipients
from monolith.modules.notifications.pruning import MailPruner
from monolith.modules.notifications.reminders import Reminders
from monolith.modules.notifications.routes import endpoints
from monolith.modules.notifications.sender import Sender
from monolith.modules.notifications.service import NotificationsService
from monolith.modules.notifications.smtp import MailServer
from monolith.modules.notifications.webhooks.delivery import WebhookSender
from monolith.modules.notifications.webhooks.webhook_metrics import WebhookBacklog, WebhookMetrics
from monolith.modules.notifications.webhooks.webhook_routes import webhook_endpoints
from monolith.modules.notifications.webhooks.webhooks import Webhooks
from monolith.shared.customer_links import CustomerLinks
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import AnyEndpoint
from monolith.shared.events import Consumer
from monolith.shared.outbound import OutboundClient
from monolith.shared.rate_limits import Buckets
from monolith.shared.rate_limits.local_buckets import LocalBuckets

SCHEMA = "notifications"
MIGRATIONS = Path(__file__).with_name("migrations")
APP_ROLE = "notifications_app"
SENDER_ROLE = "notifications_sender"


@dataclass(frozen=True, slots=True)
class Notifications:
    api: NotificationsService
    webhooks: Webhooks
    endpoints: Sequence[AnyEndpoint]
    consumers: Sequence[Consumer]


def build_notifications(database: ModuleDatabase, buckets: Buckets | None = None) -> Notifications:
    """Build the module. `database` connects as `notifications_app`. Attempts are counted in `buckets`, by default in
    this process.
    """
    service, webhooks = NotificationsService(database), Webhooks(database, buckets or LocalBuckets())

    def handle(events: Sequence[AnyEvent], connection: Connection) -> None:
        service.handle(events, connection)
        webhooks.queue(events, connection)

    return Notifications(
        api=service,
        webhooks=webhooks,
        endpoints=[*endpoints(service), *webhook_endpoints(webhooks)],
        consumers=[Consumer("notifications", database, handle)],
    )


def mail_loops(
    database: ModuleDatabase,
    recipients: Recipients,
    *,
    smtp_url: str,
    public_url: str,
    links: CustomerLinks,
    registry: CollectorRegistry,
) -> list[Loop]:
    """Build the worker's loops. `database` connects as `notifications_sender`; `recipients` is the API of auth.

    `links` signs those of appointments. Metrics are added to `registry`. The first loop sends mail; set its `wake` to
    make it look for new messages at once.
    """
    server, identity = MailServer(smtp_url), SenderIdentity(public_url, links)
    sender = Sender(database, recipients, server, identity, metrics=MailMetrics(registry))
    reminders = Reminders(database)
    sending = Loop("mail sender", sender.step, idle_seconds=1.0, longest_idle_seconds=10.0, interrupt=sender.interrupt)

    def remind() -> bool:
        found = reminders.step()
        if found:
            sending.wake.set()
        return found

    return [sending, Loop("reminders", remind, idle_seconds=30.0)]


def webhook_loops(database: ModuleDatabase, client: OutboundClient, registry: CollectorRegistry) -> list[Loop]:
    """Build the worker's loops that post webhooks. `database` connects as `notifications_sender`.

    Two, so that one business whose receivers do not answer leaves another one. Metrics are added to `registry`. Set
    the `wake` of the loops to make them look for new webhooks at once.
    """
    metrics = WebhookMetrics(registry)
    senders = [WebhookSender(database, client, metrics) for _ in range(2)]
    return [
        Loop(f"webhook sender {number}", sender.step, idle_seconds=1.0, longest_idle_seconds=5.0)
        for number, sender in enumerate(senders, 1)
    ]


def mail_backlog(database: ModuleDatabase) -> ReadMetrics:
    """Return the source of the queue's metrics. `database` connects as `notifications_sender`."""
    return MailBacklog(database).read


def webhook_backlog(database: ModuleDatabase) -> ReadMetrics:
    """Return the source of the webhooks' metrics. `database` connects as `notifications_sender`."""
    return WebhookBacklog(database).read


def letter_sender(database: ModuleDatabase, *, smtp_url: str, public_url: str) -> LetterSender:
    """Build the sender of other modules' mails. `database` connects as `notifications_sender`."""
    return LetterSender(database, MailServer(smtp_url), SenderIdentity(public_url))


def mail_pruner(database: ModuleDatabase, retention: timedelta) -> MailPruner:
    """Build the pruner of the worker. `database` connects as `notifications_sender`."""
    return MailPruner(database, retention)
