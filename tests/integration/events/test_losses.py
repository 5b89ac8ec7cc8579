"""Entries that the stream lost before they were applied, and what the relays publish again."""

import pytest
import redis

from contracts.scheduling.events import PUBLISHED, STREAM
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
    stream.hset(PUBLISHED, "another client's", garbage)  # type: ignore[arg-type]
    working = relay(databases)
    outbox.write(*(Story().booked() for _ in range(3)))
    working.step()
    until(lambda: notified.rows("inbox") == 3, notified.follower.step)
    outbox.write(*(Story().booked() for _ in range(3)))
    working.step()
    stream.xtrim(STREAM, maxlen=1)
    until(lambda: notified.rows("inbox") == 6, working.step, notified.follower.step)
    assert stream.hkeys(PUBLISHED) == [b"http"]
    working.close()
