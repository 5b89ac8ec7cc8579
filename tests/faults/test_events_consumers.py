"""Faults 30 to 35: failures between the stream and its effects."""

import contextlib
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from contracts.scheduling.events import STREAM, encode_event
from deploy.devstack.valkey import ValkeyServer
from monolith.shared.database import DatabaseUnavailable
from monolith.shared.events.follower import FollowerSettings
from tests.databases import Databases
from tests.faults.event_process import EventProcess
from tests.faults.proxy import TcpProxy
from tests.integration.events.relays_and_followers import QUICK, Notified, relay, relay_once, until
from tests.integration.events.sample_events import OutboxWriter, Story, http_outbox


@pytest.fixture
def outbox(databases: Databases) -> OutboxWriter:
    return http_outbox(databases)


@pytest.fixture
def notified(databases: Databases) -> Iterator[Notified]:
    notified = Notified(databases)
    notified.group.create()
    yield notified
    notified.close()


@pytest.fixture(params=[QUICK, FollowerSettings()], ids=["quick", "as in production"])
def trimmed(databases: Databases, request: pytest.FixtureRequest) -> Iterator[Notified]:
    """A consumer of a stream that is trimmed ahead of it."""
    consumer = Notified(databases, settings=request.param)
    consumer.group.create()
    yield consumer
    consumer.close()


@pytest.fixture
def stream(databases: Databases) -> redis.Redis:
    return redis.Redis.from_url(databases.redis_url)


def pending(stream: redis.Redis) -> int:
    return int(stream.xpending(STREAM, "notifications")["pending"])


@contextlib.contextmanager
def database_unreachable(databases: Databases) -> Iterator[None]:
    """End all connections to the monolith's database, and refuse new ones inside the block."""
    name = urlsplit(databases.monolith_url).path.removeprefix("/")
    server = urlsplit(databases.monolith_admin_url)._replace(path="/postgres").geturl()
    with psycopg.connect(server, autocommit=True) as administrator:
        administrator.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS false".encode())
        administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (name,))
        try:
            yield
        finally:
            administrator.execute(f"ALTER DATABASE {name} WITH ALLOW_CONNECTIONS true".encode())


def follower_process(databases: Databases, redis_url: str) -> EventProcess:
    return EventProcess(
        "follower", database_url=databases.monolith_url, role_secret=databases.role_secret, redis_url=redis_url
    )


@pytest.mark.row("F30")
def test_30_consumer_dies_between_commit_and_acknowledgement(
    databases: Databases, outbox: OutboxWriter, notified: Notified, stream: redis.Redis
) -> None:
    url = urlsplit(databases.redis_url)
    assert url.hostname is not None
    assert url.port is not None
    outbox.write(Story().booked())
    relay_once(databases)
    with TcpProxy(url.hostname, url.port) as proxy:
        proxied = url._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()
        with follower_process(databases, proxied) as dying:
            dying.wait_for("handled")
            with proxy.half_open():
                dying.resume()
                until(lambda: notified.rows("inbox") == 1, lambda: time.sleep(0.01))
                dying.kill()
                proxy.drop_connections()  # loses the acknowledgement in flight
    assert pending(stream) == 1
    until(lambda: pending(stream) == 0, notified.follower.step)
    assert len(notified.messages()) == 1


@pytest.mark.row("F31")
def test_31_consumer_dies_inside_its_transaction(
    databases: Databases, outbox: OutboxWriter, notified: Notified, stream: redis.Redis
) -> None:
    outbox.write(Story().booked())
    relay_once(databases)
    with follower_process(databases, databases.redis_url) as dying:
        dying.wait_for("handled")
        dying.kill()
    assert (len(notified.messages()), pending(stream)) == (0, 1)
    until(lambda: pending(stream) == 0, notified.follower.step)
    assert len(notified.messages()) == 1


@pytest.mark.row("F35")
def test_35_stream_is_trimmed_ahead_of_a_consumer(
    databases: Databases, outbox: OutboxWriter, trimmed: Notified, stream: redis.Redis
) -> None:
    stories, working = [Story() for _ in range(9)], relay(databases)
    outbox.write(*(story.booked() for story in stories[:3]))
    until(lambda: trimmed.rows("inbox") == 3, working.step, trimmed.follower.step)
    outbox.write(*(story.booked() for story in stories[3:]))
    working.step()
    stream.xtrim(STREAM, maxlen=2, approximate=False)
    until(lambda: trimmed.rows("inbox") == 9, working.step, trimmed.follower.step)
    assert len(trimmed.messages()) == 9
    working.close()


@pytest.mark.row("F35")
def test_35_stream_is_trimmed_before_a_consumer_starts(
    databases: Databases, outbox: OutboxWriter, trimmed: Notified, stream: redis.Redis
) -> None:
    outbox.write(Story().booked(), Story().booked())
    working = relay(databases)
    working.step()
    stream.xtrim(STREAM, maxlen=1, approximate=False)
    until(lambda: trimmed.rows("inbox") == 2, working.step, trimmed.follower.step)
    working.close()


@pytest.mark.row("F35")
def test_35_delivered_but_unfinished_entry_is_trimmed(
    databases: Databases, outbox: OutboxWriter, trimmed: Notified, stream: redis.Redis
) -> None:
    outbox.write(Story().booked())
    working = relay(databases)
    working.step()
    assert len(trimmed.group.read(10, wait=False)) == 1
    stream.xtrim(STREAM, maxlen=0, approximate=False)
    until(lambda: trimmed.rows("inbox") == 1, working.step, trimmed.follower.step)
    assert pending(stream) == 0
    working.close()


@pytest.mark.row("F35")
def test_35_stream_is_trimmed_before_the_group_is_created_again(
    databases: Databases, outbox: OutboxWriter, trimmed: Notified, stream: redis.Redis
) -> None:
    """Twice: the second loss is at the same position, the beginning."""
    working = relay(databases)
    for expected in (3, 6):
        outbox.write(*(Story().booked() for _ in range(3)))
        working.step()
        stream.xgroup_destroy(STREAM, "notifications")
        stream.xtrim(STREAM, maxlen=1, approximate=False)
        until(lambda: trimmed.rows("inbox") == expected, working.step, trimmed.follower.step)  # noqa: B023
    working.close()


@pytest.mark.row("F35")
def test_35_consumer_restarts_after_two_losses(
    databases: Databases, outbox: OutboxWriter, trimmed: Notified, stream: redis.Redis
) -> None:
    """The second loss follows the first one soon, and the group has read on before the process ends."""
    working = relay(databases)
    for number in (1, 2):
        outbox.write(*(Story().booked() for _ in range(3)))
        working.step()
        stream.xtrim(STREAM, maxlen=1, approximate=False)
        until(lambda: trimmed.rows("inbox") > 3 * (number - 1), trimmed.follower.step)  # noqa: B023
        if number == 1:
            until(lambda: trimmed.rows("inbox") == 3, working.step, trimmed.follower.step)
    trimmed.close()
    restarted = Notified(databases, settings=FollowerSettings())
    until(lambda: restarted.rows("inbox") == 6, working.step, restarted.follower.step)
    restarted.close()
    working.close()


def test_nothing_is_republished_without_a_loss(
    databases: Databases, outbox: OutboxWriter, notified: Notified, stream: redis.Redis
) -> None:
    working = relay(databases)
    for _ in range(5):
        outbox.write(Story().booked())
        working.step()
        notified.follower.step()
        time.sleep(0.25)  # gives the relay time to check the checkpoint and to trim
    assert int(stream.xinfo_stream(STREAM)["entries-added"]) == 5
    working.close()


def test_outage_of_the_consumers_database_counts_as_no_attempt(databases: Databases, stream: redis.Redis) -> None:
    """Events wait, and no attempt is counted during the outage, so none becomes a dead letter."""
    story = Story().booked()
    notified = Notified(databases, settings=FollowerSettings(first_retry=0.01, longest_retry=0.01))
    notified.follower.step()
    stream.xadd(STREAM, {"id": str(story.event_id), "event": encode_event(story)})
    with database_unreachable(databases):
        for _ in range(12):
            with pytest.raises(DatabaseUnavailable):
                notified.follower.step()
    (left,) = stream.xpending_range(STREAM, "notifications", "-", "+", 10)
    assert left["times_delivered"] == 1
    until(lambda: notified.rows("inbox") == 1, notified.follower.step)
    notified.close()


@pytest.mark.row("F32")
@pytest.mark.long
def test_32_attempts_back_off(databases: Databases, notified: Notified, stream: redis.Redis) -> None:
    patient = FollowerSettings(first_retry=0.2, longest_retry=60)
    tried: list[float] = []

    def failing(*_: object) -> None:
        tried.append(time.monotonic())
        raise ArithmeticError

    broken = Notified(databases, handle=failing, settings=patient)
    event = Story().booked()
    stream.xadd(STREAM, {"id": str(event.event_id), "event": encode_event(event)})
    until(lambda: len(tried) == 4, broken.follower.step)
    waits = [later - earlier for earlier, later in itertools.pairwise(tried)]
    # By Redis' clock: 0.2, 0.4 and 0.8 s from delivery to delivery; ours also sees how long a delivery took.
    assert all(wait > 0.75 * due for wait, due in zip(waits, (0.2, 0.4, 0.8), strict=True))
    broken.close()


@pytest.mark.row("F34")
def test_34_lost_consumer_group_is_created_again(tmp_path: Path, databases: Databases) -> None:
    with ValkeyServer(tmp_path / "valkey", durable=False) as server:
        notified = Notified(databases, redis_url=server.url())
        notified.follower.step()
        server.kill()
        server.start()
        event = Story().booked()
        with redis.Redis.from_url(server.url()) as client:
            client.xadd(STREAM, {"id": str(event.event_id), "event": encode_event(event)})

        def step() -> None:
            try:
                notified.follower.step()
            except redis.ConnectionError:  # of the killed server
                time.sleep(0.01)

        until(lambda: notified.rows("inbox") == 1, step)
        notified.close()
