"""Entries that the stream lost before they were applied, and what the relays publish again."""

import pytest
import redis

from contracts.scheduling.events import PUBLISHED, STREAM
from monolith.shared.events.consumer_group import GroupReader
from tests.databases import Databases
from tests.integration.events.relays_and_followers import Notified, relay, until
from tests.integration.events.sample_events import OutboxWriter, Story


@pytest.fixture
def stream(databases: Databases, notified: Notified) -> redis.Redis:
    notified.group.create()
    return redis.Redis.from_url(databases.redis_url)


@pytest.mark.row("F35")
@pytest.mark.parametrize("garbage", [b"garbage", b"\xff\xfe", b"2030-01-01"], ids=["word", "not text", "no zone"])
def test_loss_is_republished_next_to_a_field_that_cannot_be_read(
    databases: Databases, outbox: OutboxWriter, notified: Notified, stream: redis.Redis, garbage: bytes
) -> None:
    stream.hset(PUBLISHED, "another client's", garbage)
    working = relay(databases)
    outbox.write(*(Story().booked() for _ in range(3)))
    working.step()
    until(lambda: notified.rows("inbox") == 3, notified.follower.step)
    outbox.write(*(Story().booked() for _ in range(3)))
    working.step()
    stream.xtrim(STREAM, maxlen=1, approximate=False)
    until(lambda: notified.rows("inbox") == 6, working.step, notified.follower.step)
    assert stream.hkeys(PUBLISHED) == [b"http"]
    working.close()


FUTURE_IDS = pytest.mark.parametrize(
    "entry_id", ["2500000000000-0", "9999999999999999-0"], ids=["year 2049", "no year"]
)


@pytest.mark.row("F35")
@FUTURE_IDS
def test_loss_after_an_entry_with_an_id_in_the_future_is_republished(
    databases: Databases, outbox: OutboxWriter, notified: Notified, stream: redis.Redis, entry_id: str
) -> None:
    stream.xadd(STREAM, {"id": "x", "event": "{}"}, id=entry_id)
    working = relay(databases)
    outbox.write(*(Story().booked() for _ in range(3)))
    until(lambda: notified.rows("inbox") == 3, working.step, notified.follower.step)
    outbox.write(*(Story().booked() for _ in range(3)))
    working.step()
    stream.xtrim(STREAM, maxlen=0, approximate=False)
    until(lambda: notified.rows("inbox") == 6, working.step, notified.follower.step)
    working.close()


@FUTURE_IDS
def test_entry_with_an_id_in_the_future_counts_as_waiting(
    databases: Databases, stream: redis.Redis, entry_id: str
) -> None:
    stream.xadd(STREAM, {"id": "x", "event": "{}"}, id=entry_id)
    reader = GroupReader(databases.redis_url)
    first, second = reader.backlog("notifications"), reader.backlog("notifications")
    assert 0 <= first.oldest_seconds < second.oldest_seconds


@pytest.mark.row("F35")
def test_group_that_was_set_ahead_of_the_stream_is_set_back(
    databases: Databases,
    outbox: OutboxWriter,
    notified: Notified,
    stream: redis.Redis,
    caplog: pytest.LogCaptureFixture,
) -> None:
    working = relay(databases)
    outbox.write(*(Story().booked() for _ in range(3)))
    working.step()
    stream.xtrim(STREAM, maxlen=2, approximate=False)
    stream.xgroup_setid(STREAM, "notifications", "99999999999999-0")
    until(lambda: notified.rows("inbox") == 3, working.step, notified.follower.step)
    assert "the group was ahead of the stream and is set back" in caplog.text
    assert notified.rows("message") == 3
    working.close()
