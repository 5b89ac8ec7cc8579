"""Relay and follower with Redis over TLS, and with a primary that Sentinels replace."""

from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import redis

from contracts.chassis.redis_client import connect
from deploy.devstack.valkey import Sentinel, ValkeyServer, sentinel_url
from tests.certificates import tls_proxy, write_certificate
from tests.databases import Databases
from tests.integration.events.relays_and_followers import Notified, relay, until
from tests.integration.events.sample_events import OutboxWriter, Story
from tests.polling import eventually


def appointments(notified: Notified) -> list[UUID]:
    return sorted(appointment for appointment, *_ in notified.messages())


def test_events_pass_over_tls_to_a_trusted_server_only(
    databases: Databases, outbox: OutboxWriter, tmp_path: Path
) -> None:
    certificate = write_certificate(tmp_path / "redis.pem")
    plain = urlsplit(databases.redis_url)
    with tls_proxy(certificate, plain.port or 6379) as port:
        untrusted = f"rediss://127.0.0.1:{port}{plain.path}"
        with pytest.raises(redis.ConnectionError, match="certificate"):
            connect(untrusted).ping()
        url = f"{untrusted}?ssl_ca_certs={certificate}"
        working, notified, story = relay(databases, redis_url=url), Notified(databases, redis_url=url), Story()
        outbox.write(story.booked())
        until(lambda: len(notified.messages()) == 1, working.step, notified.follower.step)
        working.close()
        notified.close()


def test_events_continue_at_the_replica_that_sentinels_promote(
    databases: Databases, outbox: OutboxWriter, tmp_path: Path
) -> None:
    """Events that the old primary had not replicated are published again."""
    primary = ValkeyServer(tmp_path / "primary", durable=False)
    replica = ValkeyServer(tmp_path / "replica", durable=False, replica_of=primary.port)
    sentinel = Sentinel(tmp_path / "sentinel", primary.port, down_after_ms=300)
    with primary, replica, sentinel:
        url = sentinel_url([sentinel])
        with redis.Redis(port=sentinel.port, decode_responses=True) as watcher:
            eventually(lambda: watcher.sentinel_slaves(Sentinel.service), "the replica is known")
        working, notified = relay(databases, redis_url=url), Notified(databases, redis_url=url)
        stories = [Story() for _ in range(6)]
        expected = sorted(story.appointment.appointment_id for story in stories)
        outbox.write(*(story.booked() for story in stories[:3]))
        until(lambda: len(notified.messages()) == 3, working.step, notified.follower.step)
        primary.kill()
        outbox.write(*(story.booked() for story in stories[3:]))

        def follow() -> None:
            try:
                notified.follower.step()
            except redis.RedisError:
                assert len(notified.messages()) < len(stories)

        until(lambda: len(notified.messages()) >= 6, working.step, follow)
        assert appointments(notified) == expected, "each event has had its effect exactly once"
        assert outbox.unpublished() == 0
        working.close()
        notified.close()
