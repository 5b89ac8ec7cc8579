"""Relays and followers as in the processes, with shorter delays."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import redis
from prometheus_client import CollectorRegistry

from contracts.scheduling.event_signatures import EventSecrets
from contracts.scheduling.events import STREAM
from contracts.scheduling.values import DatabaseName
from monolith.modules.notifications.module import build_notifications
from monolith.shared.database import ModuleDatabase
from monolith.shared.events import Consumer
from monolith.shared.events.consumer import Handle
from monolith.shared.events.consumer_group import ConsumerGroup
from monolith.shared.events.follower import Follower, FollowerSettings
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.relay import Relay, RelayLimits
from scheduling_service.relay.wiring import build_relay
from tests.databases import Databases
from tests.polling import eventually

QUICK = FollowerSettings(
    first_retry=0.02, longest_retry=0.05, linger=0, inspect_every=0, check_every=0, gap=0, republish_every=0.05
)


def relay(
    databases: Databases,
    source: DatabaseName = "scheduling",
    *,
    redis_url: str | None = None,
    limits: RelayLimits | None = None,
    secrets: EventSecrets | None = None,
) -> Relay:
    url = databases.scheduling_url if source == "scheduling" else databases.monolith_url
    metrics = RelayMetrics(CollectorRegistry(), source)
    return build_relay(source, url, databases.role_secret, redis_url or databases.redis_url, metrics, limits, secrets)


def relay_once(databases: Databases, source: DatabaseName = "scheduling", **how: Any) -> None:
    """Run one step of a relay and stop it; the server notices the lost connection later."""
    working = relay(databases, source, **how)
    working.step()
    working.close()
    url = databases.scheduling_admin_url if source == "scheduling" else databases.monolith_admin_url
    connected = """
        SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = 'scheduling_relay'
    """
    with psycopg.connect(url, autocommit=True) as administrator:
        eventually(lambda: administrator.execute(connected).fetchone() == (0,), "the relay's end")


class Notified:
    """The notifications module as a consumer, and its effects."""

    def __init__(
        self,
        databases: Databases,
        *,
        handle: Handle | None = None,
        redis_url: str | None = None,
        settings: FollowerSettings = QUICK,
        secrets: EventSecrets | None = None,
    ) -> None:
        self.database = ModuleDatabase(databases.monolith_url, role="notifications_app", secret=databases.role_secret)
        self.consumer = build_notifications(self.database).consumers[0]
        if handle is not None:
            self.consumer = Consumer(self.consumer.name, self.database, handle)
        self.group = ConsumerGroup(redis_url or databases.redis_url, "notifications", block_ms=10, secrets=secrets)
        self.follower = Follower(self.consumer, self.group, settings)
        self._admin_url = databases.monolith_admin_url

    def messages(self) -> list[tuple[UUID, int, str]]:
        """Return (appointment, version, kind) of the mails, in the order of their creation."""
        with psycopg.connect(self._admin_url) as connection:
            return connection.execute(
                "SELECT appointment_id, version, kind FROM notifications.message ORDER BY message_id"
            ).fetchall()

    def rows(self, table: str) -> int:
        with psycopg.connect(self._admin_url) as connection:
            row = connection.execute(f"SELECT count(*) FROM notifications.{table}".encode()).fetchone()
        assert row is not None
        return int(row[0])

    def bytes_of_dead_letters(self) -> int:
        with psycopg.connect(self._admin_url) as connection:
            row = connection.execute(
                "SELECT sum(length(payload) + length(stated_id)) FROM notifications.dead_letter"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def close(self) -> None:
        self.follower.close()
        self.database.close()


def until(done: Callable[[], bool], *steps: Callable[[], object], seconds: float = 30) -> None:
    """Run the steps in turn until the condition holds."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not come to pass in time"
        for step in steps:
            step()


def entries(redis_url: str) -> list[str]:
    """Return the ids of the events in the stream, in order."""
    with redis.Redis.from_url(redis_url, decode_responses=True) as client:
        return [fields["id"] for _, fields in client.xrange(STREAM)]
