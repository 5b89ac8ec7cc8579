"""Faults 26 to 29 and 33 to 37: failures between the outbox and the stream."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from contracts.scheduling.events import PUBLISHED, STREAM
from deploy.devstack.valkey import ValkeyServer
from scheduling_service.relay.relay import Relay
from tests.databases import Databases
from tests.faults.event_process import ROOT, EventProcess
from tests.faults.proxy import Swallow, TcpProxy
from tests.integration.events.relays_and_followers import Notified, entries, relay, until
from tests.integration.events.sample_events import OutboxWriter, Story, http_outbox


@pytest.fixture
def outbox(databases: Databases) -> OutboxWriter:
    return http_outbox(databases)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    """A separate server, which loses its data when it restarts."""
    with ValkeyServer(tmp_path / "valkey", durable=False) as server:
        yield server


@pytest.fixture
def proxied(databases: Databases) -> Iterator[tuple[TcpProxy, str]]:
    """A proxy to the run's Redis, and the URL through it."""
    url = urlsplit(databases.redis_url)
    assert url.hostname is not None
    assert url.port is not None
    with TcpProxy(url.hostname, url.port) as proxy:
        yield proxy, url._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()


def all_told(notified: Notified, stories: list[Story]) -> Callable[[], bool]:
    """Check that each story's event has had its effect exactly once."""
    expected = sorted(story.appointment.appointment_id for story in stories)
    return lambda: sorted(appointment for appointment, *_ in notified.messages()) == expected


@pytest.mark.row("F26")
def test_26_relay_dies_between_publishing_and_marking(
    databases: Databases, outbox: OutboxWriter, proxied: tuple[TcpProxy, str]
) -> None:
    proxy, redis_url = proxied
    story = Story()
    with EventProcess(
        "relay", database_url=databases.scheduling_url, role_secret=databases.role_secret, redis_url=redis_url
    ) as dying:
        dying.wait_for("leading")
        outbox.write(story.booked())
        proxy.inject(Swallow())
        dying.resume()
        until(lambda: len(entries(databases.redis_url)) == 1, lambda: time.sleep(0.01))
        dying.kill()
    assert outbox.unpublished() == 1
    working, notified = relay(databases), Notified(databases)
    until(lambda: outbox.unpublished() == 0, working.step)
    assert len(entries(databases.redis_url)) == 2
    notified.group.create()
    until(lambda: not notified.follower.step())
    assert all_told(notified, [story])()


@pytest.mark.row("F27")
def test_27_reply_to_a_publication_is_lost(
    databases: Databases, outbox: OutboxWriter, proxied: tuple[TcpProxy, str]
) -> None:
    proxy, redis_url = proxied
    working, notified, story = relay(databases, redis_url=redis_url), Notified(databases), Story()
    working.step()
    outbox.write(story.booked())
    proxy.inject(Swallow())
    assert not working.step()
    until(lambda: outbox.unpublished() == 0, working.step)
    notified.group.create()
    until(lambda: not notified.follower.step())
    assert all_told(notified, [story])()


@pytest.mark.row("F28")
def test_28_two_relays_publish_concurrently(databases: Databases, outbox: OutboxWriter) -> None:
    """The first relay loses its lock while it works, so both publish for a moment."""
    first, second, notified = relay(databases), relay(databases), Notified(databases)
    stories = [Story() for _ in range(10)]
    outbox.write(*(story.booked() for story in stories))
    first.step()
    with psycopg.connect(databases.scheduling_admin_url, autocommit=True) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'scheduling relay' "
            "AND datname = current_database()"
        )
    outbox.write(*(story.rescheduled() for story in stories))
    until(lambda: outbox.unpublished() == 0, second.step, first.step)
    until(lambda: notified.rows("inbox") == 20, notified.follower.step)
    for story in stories:
        told = [v for appointment, v, _ in notified.messages() if appointment == story.appointment.appointment_id]
        assert told == [1, 2]


@pytest.mark.row("F33")
def test_33_redis_restarts_from_its_file(databases: Databases, outbox: OutboxWriter, tmp_path: Path) -> None:
    with ValkeyServer(tmp_path / "valkey", durable=True) as server:
        working, notified = relay(databases, redis_url=server.url()), Notified(databases, redis_url=server.url())
        stories = [Story() for _ in range(5)]
        outbox.write(*(story.booked() for story in stories[:3]))
        working.step()
        server.stop()
        outbox.write(*(story.booked() for story in stories[3:]))
        assert not working.step()
        with pytest.raises(redis.RedisError):
            notified.follower.step()
        server.start()
        until(lambda: outbox.unpublished() == 0, working.step)
        assert len(entries(server.url())) == 5
        until(all_told(notified, stories), notified.follower.step)


@pytest.mark.row("F34")
def test_34_redis_loses_everything(databases: Databases, outbox: OutboxWriter, valkey: ValkeyServer) -> None:
    """Some events were consumed, some only published, some neither."""
    working, notified = relay(databases, redis_url=valkey.url()), Notified(databases, redis_url=valkey.url())
    stories = [Story() for _ in range(6)]
    outbox.write(*(story.booked() for story in stories[:2]))
    until(lambda: notified.rows("inbox") == 2, working.step, notified.follower.step)
    outbox.write(*(story.booked() for story in stories[2:4]))
    working.step()
    valkey.kill()
    valkey.start()
    outbox.write(*(story.booked() for story in stories[4:]))
    until(all_told(notified, stories), working.step, notified.follower.step)


@pytest.mark.row("F34")
def test_34_redis_is_flushed_while_idle(databases: Databases, outbox: OutboxWriter) -> None:
    working, notified, story = relay(databases), Notified(databases), Story()
    outbox.write(story.booked())
    working.step()
    flush(databases)
    until(all_told(notified, [story]), working.step, notified.follower.step, seconds=6)


@pytest.mark.row("F34")
def test_34_redis_is_flushed_just_before_a_publication(databases: Databases, outbox: OutboxWriter) -> None:
    working, notified, stories = relay(databases), Notified(databases), [Story(), Story()]
    outbox.write(stories[0].booked())
    working.step()
    flush(databases)
    outbox.write(stories[1].booked())
    until(lambda: len(set(entries(databases.redis_url))) == 2, working.step, seconds=3)
    until(all_told(notified, stories), notified.follower.step)


@pytest.mark.row("F34")
def test_34_redis_loses_its_newest_writes_and_the_relay_dies(
    databases: Databases, outbox: OutboxWriter, tmp_path: Path
) -> None:
    """The state after a failover to a replica that lagged."""
    with ValkeyServer(tmp_path / "valkey", durable=False) as server:
        working, stories = relay(databases, redis_url=server.url()), [Story(), Story()]
        outbox.write(stories[0].booked())
        working.step()
        with redis.Redis.from_url(server.url()) as client:
            behind = {key: client.dump(key) for key in (STREAM, PUBLISHED)}
            outbox.write(stories[1].booked())
            working.step()
            working.close()
            for key, value in behind.items():
                client.restore(key, 0, value, replace=True)
        after, notified = relay(databases, redis_url=server.url()), Notified(databases, redis_url=server.url())
        until(all_told(notified, stories), after.step, notified.follower.step)
        assert len(entries(server.url())) == 2, "only what was lost is published again"


@pytest.mark.row("F36")
def test_36_redis_is_out_of_memory(databases: Databases, outbox: OutboxWriter, valkey: ValkeyServer) -> None:
    working, notified = relay(databases, redis_url=valkey.url()), Notified(databases, redis_url=valkey.url())
    stories = [Story() for _ in range(3)]
    notified.group.create()
    working.step()
    with redis.Redis.from_url(valkey.url()) as client:
        client.config_set("maxmemory", "1")
        outbox.write(*(story.booked() for story in stories))
        rest_over(working)
        assert outbox.unpublished() == 3
        client.config_set("maxmemory", "0")
    until(all_told(notified, stories), working.step, notified.follower.step)


@pytest.mark.row("F36")
def test_36_backlog_is_logged_at_a_limited_rate_and_exported(
    databases: Databases, outbox: OutboxWriter, caplog: pytest.LogCaptureFixture
) -> None:
    working = relay(databases, redis_url="redis://127.0.0.1:1/0")
    outbox.write(Story().booked(), Story().booked())
    for _ in range(3):
        rest_over(working)
    said = [record.getMessage() for record in caplog.records if "relay paused" in record.getMessage()]
    assert len(said) == 1
    assert "2 events are waiting" in said[0]
    assert working.metrics.waiting._value.get() == 2


@pytest.mark.row("F37")
def test_37_redis_does_not_answer(databases: Databases, outbox: OutboxWriter, proxied: tuple[TcpProxy, str]) -> None:
    """Outbox writes are unaffected, and the relay holds no open transaction while it waits."""
    proxy, redis_url = proxied
    working, story = relay(databases, redis_url=redis_url), Story()
    working.step()
    with proxy.half_open():
        outbox.write(story.booked())
        began = time.monotonic()
        assert not working.step()
        assert time.monotonic() - began < 4
    until(lambda: outbox.unpublished() == 0, working.step)
    assert len(set(entries(databases.redis_url))) == 1


def test_relay_survives_a_restart_of_its_database(databases: Databases, outbox: OutboxWriter) -> None:
    working = relay(databases)
    working.step()
    with psycopg.connect(databases.scheduling_admin_url, autocommit=True) as administrator:
        administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'scheduling relay' "
            "AND datname = current_database()"
        )
    outbox.write(Story().booked())
    until(lambda: outbox.unpublished() == 0, working.step, seconds=3)


def test_standby_relay_takes_over_within_a_second_and_stops_on_a_signal(
    databases: Databases, outbox: OutboxWriter
) -> None:
    with relay_process(databases) as first:
        outbox.write(Story().booked())
        until(lambda: outbox.unpublished() == 0, lambda: time.sleep(0.01))
        with relay_process(databases) as second:
            time.sleep(0.8)  # until it is on standby
            first.kill()
            outbox.write(Story().booked())
            until(lambda: outbox.unpublished() == 0, lambda: time.sleep(0.01), seconds=3)
            second.send_signal(signal.SIGTERM)
            assert second.wait(5) == 0


@pytest.mark.parametrize("name", ["SCHEDULING_DATABASE_URL", "DATABASE_ROLE_SECRET", "REDIS_URL"])
def test_missing_setting_is_one_line_that_names_it(databases: Databases, name: str) -> None:
    with relay_process(databases, leave_out=name) as process:
        _, said = process.communicate(timeout=10)
    assert process.returncode == 2
    assert said.count("\n") == 1
    assert name in said


def flush(databases: Databases) -> None:
    with redis.Redis.from_url(databases.redis_url) as client:
        client.flushdb()


def rest_over(working: Relay) -> None:
    """Step until a step has an effect, even after one that failed."""
    time.sleep(0.5)
    working.step()


@contextlib.contextmanager
def relay_process(databases: Databases, leave_out: str = "") -> Iterator[subprocess.Popen[str]]:
    environment = {
        **os.environ,
        "SCHEDULING_DATABASE_URL": databases.scheduling_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
        "REDIS_URL": databases.redis_url,
    }
    environment.pop(leave_out, None)
    with subprocess.Popen(
        [sys.executable, "-m", "scheduling_service.relay"],
        cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
