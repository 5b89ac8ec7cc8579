"""The checkpoint in Redis, as operators and other clients may write it."""

import psycopg
import pytest
import redis
from prometheus_client import CollectorRegistry

from contracts.scheduling.events import PUBLISHED
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.outbox import Outbox, OutboxRow
from scheduling_service.relay.relay import Relay
from scheduling_service.relay.stream import EventStream
from tests.databases import Databases
from tests.integration.events.relays_and_followers import entries, relay, relay_once, until
from tests.integration.events.sample_events import OutboxWriter, Story

FIELD = "http"


def set_checkpoint(databases: Databases, text: str | bytes) -> None:
    with redis.Redis.from_url(databases.redis_url) as client:
        client.hset(PUBLISHED, FIELD, text)


@pytest.mark.parametrize(
    "spelling", ['YYYY-MM-DD"T"HH24:MI:SS.US"Z"', "YYYY-MM-DD HH24:MI:SS.US+00", 'YYYYMMDD"T"HH24MISS,US+0000']
)
def test_a_checkpoint_in_another_spelling_is_used(databases: Databases, outbox: OutboxWriter, spelling: str) -> None:
    outbox.write(Story().booked())
    relay_once(databases)
    with psycopg.connect(databases.scheduling_admin_url) as connection:
        row = connection.execute(
            "SELECT to_char(max(published_at) AT TIME ZONE 'UTC', %s) FROM scheduling.outbox", (spelling,)
        ).fetchone()
    assert row is not None
    set_checkpoint(databases, row[0])
    outbox.write(Story().booked())
    working = relay(databases)
    working.step()
    working.close()
    assert outbox.unpublished() == 0
    assert len(entries(databases.redis_url)) == 2, "nothing counted as lost"


@pytest.mark.parametrize(
    "malformed",
    ["2030-01-01", "2030-01-01T00:00:00", "", "yesterday", b"\xff\xfe", "0001-01-01T00:00:00+14:00"],
    ids=["date", "no zone", "empty", "word", "not text", "no time in UTC"],
)
def test_a_malformed_checkpoint_counts_as_lost(
    databases: Databases, outbox: OutboxWriter, malformed: str | bytes
) -> None:
    working = relay(databases)
    outbox.write(Story().booked())
    working.step()
    working.close()
    set_checkpoint(databases, malformed)
    outbox.write(Story().booked())
    after = relay(databases)
    until(lambda: len(entries(databases.redis_url)) >= 3, after.step)
    after.close()
    assert len(set(entries(databases.redis_url))) == 2, "the first event is published again"


class ContendedStream(EventStream):
    """A stream whose checkpoint another client changes before each publication."""

    def __init__(self, databases: Databases) -> None:
        super().__init__(databases.redis_url, "scheduling")
        self._databases = databases
        self.publications = 0

    def publish(self, rows: list[OutboxRow], **checkpoints: object) -> str:
        self.publications += 1
        set_checkpoint(self._databases, f"2026-11-30T21:00:{self.publications % 60:02}Z")
        return super().publish(rows, **checkpoints)  # type: ignore[arg-type]


def test_a_relay_whose_checkpoint_always_changes_backs_off(
    databases: Databases, outbox: OutboxWriter, caplog: pytest.LogCaptureFixture
) -> None:
    stream = ContendedStream(databases)
    working = Relay(
        Outbox(databases.scheduling_url, databases.role_secret),
        stream,
        RelayMetrics(CollectorRegistry(), "scheduling"),
    )
    outbox.write(Story().booked())
    steps = 0
    while working.step():
        steps += 1
        assert steps < 10, "it never pauses"
    assert not working.step(), "it pauses"
    assert "relay paused: the checkpoint changes again and again" in caplog.text
    assert "1 events are waiting" in caplog.text
    working.close()
