"""The worker's loops of the monolith's own modules: followers of events, mail, retention."""

from collections.abc import Callable, Sequence

from prometheus_client import CollectorRegistry

from contracts.chassis.loops import Loop
from contracts.chassis.scraped_metrics import ScrapedMetrics
from contracts.scheduling.port import SchedulingPort
from monolith.config import WorkerConfig
from monolith.modules.auth import module as auth
from monolith.modules.calendars import module as calendars
from monolith.modules.notifications import module as notifications
from monolith.modules.scheduling.lost_links import LostLinks
from monolith.shared.database import ModuleDatabase
from monolith.shared.events import Consumer
from monolith.shared.events.consumer_group import ConsumerGroup
from monolith.shared.events.follower import CLOCK_MARGIN, Follower, FollowerSettings
from monolith.shared.events.inbox_pruning import InboxPruner
from monolith.shared.events.metrics import ConsumerBacklog, ConsumerMetrics
from monolith.shared.outbound import AddressRule, OutboundClient


def named_follower(
    consumer: Consumer,
    config: WorkerConfig,
    metrics: ConsumerMetrics,
    after_batch: Callable[[], None] = lambda: None,
) -> tuple[str, Follower]:
    """Build a consumer's follower with its name; `after_batch` is called after each batch that it has applied."""
    settings = FollowerSettings(oldest=config.retention.inbox - CLOCK_MARGIN)
    group = ConsumerGroup(config.redis_url, consumer.name, secrets=config.event_secrets)
    return consumer.name, Follower(consumer, group, settings, after_batch, metrics)


def wake_all(*loops: Loop) -> Callable[[], None]:
    """Return a function that makes the loops look for work at once."""

    def wake() -> None:
        for loop in loops:
            loop.wake.set()

    return wake


def backlogs(config: WorkerConfig, consumers: Sequence[Consumer], sending: ModuleDatabase) -> ScrapedMetrics:
    """Return the metrics of what waits: events, mails and webhooks."""
    return ScrapedMetrics(
        {
            "events": ConsumerBacklog(config.redis_url, consumers).read,
            "mail": notifications.mail_backlog(sending),
            "webhooks": notifications.webhook_backlog(sending),
        }
    )


def mail_loops(
    config: WorkerConfig,
    parts: auth.Auth,
    port: SchedulingPort,
    auth_db: ModuleDatabase,
    sending: ModuleDatabase,
    registry: CollectorRegistry,
) -> list[Loop]:
    """Build the loops that send mail. Set the `wake` of the first one when there is a new mail."""
    urls = {"smtp_url": config.smtp_url, "public_url": config.public_url}
    lost = LostLinks(port, parts.api, parts.links, config.public_url)
    letters = notifications.letter_sender(sending, **urls)
    account_mails = auth.account_mails(auth_db, letters, config.public_url, parts.links, lost.find)
    return [
        *notifications.mail_loops(sending, parts.api, **urls, links=parts.links, registry=registry),
        Loop(
            "account mails",
            account_mails.step,
            idle_seconds=1.0,
            longest_idle_seconds=2.0,
            interrupt=letters.interrupt,
        ),
    ]


def outbound_loops(
    config: WorkerConfig,
    calendars_db: ModuleDatabase,
    sending: ModuleDatabase,
    port: SchedulingPort,
    registry: CollectorRegistry,
) -> tuple[list[Loop], list[Loop]]:
    """Build the loops that read imported calendars, and those that post webhooks.

    `calendars_db` connects as `calendars_worker`, `sending` as `notifications_sender`. Set the `wake` of the latter
    when there is a new webhook.
    """
    client = OutboundClient(AddressRule(config.outbound_allowed))
    return calendars.import_loops(calendars_db, port, client), notifications.webhook_loops(sending, client, registry)


def retention_loop(
    config: WorkerConfig, consumers: Sequence[Consumer], sending: ModuleDatabase, auth_db: ModuleDatabase
) -> Loop:
    """Build the loop that deletes old rows."""
    pruners: list[Callable[[], bool]] = [
        *(InboxPruner(consumer.database, consumer.name, config.retention.inbox).step for consumer in consumers),
        notifications.mail_pruner(sending, config.mail_retention).step,
        auth.account_pruner(auth_db).step,
    ]
    return Loop("retention", lambda: any(prune() for prune in pruners), idle_seconds=60.0, longest_idle_seconds=600.0)
