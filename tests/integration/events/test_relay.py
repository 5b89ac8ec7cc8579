"""Guarantees of the relay without failures."""

from datetime import timedelta

import psycopg
import pytest
import redis

from contracts.scheduling.events import PUBLISHED, STREAM, AnyEvent, decode_event
from scheduling_service.relay.relay import RelayLimits
from tests.databases import Databases
from tests.integration.events.relays_and_followers import Notified, entries, relay, relay_once, until
from tests.integration.events.sample_events import OutboxWriter, Story, http_outbox, in_process_outbox


def test_relay_publishes_in_order_and_advances_the_watermark(databases: Databases, outbox: OutboxWriter) -> None:
    story = Story()
    events: list[AnyEvent] = [story.booked(), story.rescheduled(), story.cancelled()]
    outbox.write(*events)
    relay_once(databases)
    assert entries(databases.redis_url) == [str(event.event_id) for event in events]
    assert outbox.unpublished() == 0
    with redis.Redis.from_url(databases.redis_url) as client:
        ((_, fields), *_) = client.xrange(STREAM)
    assert decode_event(fields[b"event"]) == events[0]


def test_events_are_published_once_without_failures(databases: Databases, outbox: OutboxWriter) -> None:
    outbox.write(*(Story().booked() for _ in range(450)))
    working = relay(databases)
    until(lambda: outbox.unpublished() == 0, working.step)
    for _ in range(3):
        working.step()
    working.close()
    relay_once(databases)
    assert len(entries(databases.redis_url)) == 450


@pytest.mark.row("F29")
def test_late_commit_is_not_skipped(databases: Databases, outbox: OutboxWriter) -> None:
    early, late = Story().booked(), Story().booked()
    working = relay(databases)
    with outbox.connect() as slow:
        outbox.insert(slow, early)  # takes the lower position
        outbox.write(late)
        working.step()
        assert entries(databases.redis_url) == [str(late.event_id)]
    working.step()
    assert entries(databases.redis_url) == [str(late.event_id), str(early.event_id)]


def test_standby_relay_takes_over(databases: Databases, outbox: OutboxWriter) -> None:
    first, second = relay(databases), relay(databases)
    first.step()
    second.step()
    outbox.write(Story().booked())
    assert not second.step()
    assert outbox.unpublished() == 1
    first.step()
    assert outbox.unpublished() == 0
    outbox.write(Story().booked())
    first.close()
    until(lambda: outbox.unpublished() == 0, second.step, seconds=2)
    assert len(entries(databases.redis_url)) == 2


def test_each_database_has_its_own_relay(databases: Databases) -> None:
    for writer in (in_process_outbox(databases), http_outbox(databases)):
        writer.write(Story().booked())
    relay_once(databases, "monolith")
    relay_once(databases, "scheduling")
    assert len(entries(databases.redis_url)) == 2


def test_upgraded_relay_continues_at_the_position_of_an_earlier_release(
    databases: Databases, outbox: OutboxWriter
) -> None:
    """Earlier releases stored the position of the service's database in the field `http`, the monolith's in
    `in_process`."""
    outbox.write(Story().booked())
    relay_once(databases)
    in_process_outbox(databases).write(Story().booked())
    relay_once(databases, "monolith")
    with redis.Redis.from_url(databases.redis_url) as client:
        assert set(client.hkeys(PUBLISHED)) == {b"in_process", b"http"}
    relay_once(databases)
    assert len(entries(databases.redis_url)) == 2


def test_only_old_published_rows_are_pruned(databases: Databases, outbox: OutboxWriter) -> None:
    outbox.write(Story().booked(), Story().booked())
    relay_once(databases)
    with psycopg.connect(databases.scheduling_admin_url) as connection:
        connection.execute(
            "UPDATE scheduling.outbox SET published_at = published_at - interval '8 days' WHERE position = 1"
        )
    outbox.write(Story().booked())
    relay_once(databases, redis_url="redis://127.0.0.1:1/0")
    assert outbox.kept() == 3, "a relay without Redis prunes nothing"
    relay_once(databases)
    assert outbox.kept() == 2


def test_stream_is_trimmed_to_unconsumed_entries(
    databases: Databases, outbox: OutboxWriter, notified: Notified
) -> None:
    notified.group.create()
    with redis.Redis.from_url(databases.redis_url) as client:
        client.xgroup_create(STREAM, "slow", id="0")
        outbox.write(*(Story().booked() for _ in range(150)))
        working = relay(databases)
        until(lambda: outbox.unpublished() == 0, working.step)
        until(lambda: notified.rows("inbox") == 150, notified.follower.step)
        working.close()
        relay_once(databases)
        assert client.xlen(STREAM) == 150
        client.xgroup_destroy(STREAM, "slow")
        relay_once(databases)
        assert client.xlen(STREAM) <= 100, "whole nodes of the stream only: Redis keeps up to 100 entries in one"


def test_unread_stream_is_bounded(databases: Databases, outbox: OutboxWriter) -> None:
    outbox.write(*(Story().booked() for _ in range(600)))
    working = relay(databases, limits=RelayLimits(longest_stream=200))
    until(lambda: outbox.unpublished() == 0, working.step)
    working.close()
    relay_once(databases, limits=RelayLimits(longest_stream=200, retention=timedelta(days=1)))
    assert len(entries(databases.redis_url)) <= 300
