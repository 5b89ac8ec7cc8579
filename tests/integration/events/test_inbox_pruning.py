"""An inbox is pruned, and redelivery stays harmless."""

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest
import redis

from contracts.scheduling.events import PUBLISHED, STREAM, AnyEvent, encode_event
from monolith.shared.database import first_id_at
from monolith.shared.events import inbox_pruning
from monolith.shared.events.apply_events import NO_LIMIT
from monolith.shared.events.dead_letters import DeadLetters
from monolith.shared.events.inbox_pruning import InboxPruner
from scheduling_service.relay.relay import RelayLimits
from tests.databases import Databases
from tests.integration.events.relays_and_followers import QUICK, Notified, relay, relay_once, until
from tests.integration.events.sample_events import OutboxWriter, Story

RETENTION = timedelta(days=30)
AGO = timedelta(days=31)


@pytest.fixture
def pruner(notified: Notified) -> InboxPruner:
    return InboxPruner(notified.database, "notifications", RETENTION, cycle_seconds=0)


@pytest.fixture
def administrator(databases: Databases) -> Iterator[psycopg.Connection]:
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as connection:
        yield connection


@pytest.fixture
def long_ago(databases: Databases, administrator: psycopg.Connection) -> Iterator["LongAgo"]:
    notified = Notified(databases, settings=dataclasses.replace(QUICK, oldest=NO_LIMIT))
    yield LongAgo(databases, notified, administrator)
    notified.close()


@dataclasses.dataclass(frozen=True)
class LongAgo:
    """Consumption as it was before the retention, including the ids, which are times."""

    databases: Databases
    notified: Notified
    administrator: psycopg.Connection

    def consume(self, *events: AnyEvent) -> list[AnyEvent]:
        """Apply the events `AGO`, and return them as they were then."""
        aged = [
            msgspec.structs.replace(
                event,
                event_id=UUID(int=first_id_at(datetime.now(UTC) - AGO).int + uuid4().int % (1 << 62)),
                occurred_at=datetime.now(UTC) - AGO,
            )
            for event in events
        ]
        add(self.databases, *aged)
        known = self.notified.rows("inbox")
        until(lambda: self.notified.rows("inbox") == known + len(events), self.notified.follower.step)
        ids = [event.event_id for event in aged]
        self.administrator.execute(
            "UPDATE notifications.inbox SET applied_at = now() - %s WHERE event_id = ANY (%s)", (AGO, ids)
        )
        return aged


def add(databases: Databases, *events: AnyEvent) -> None:
    with redis.Redis.from_url(databases.redis_url) as stream:
        for event in events:
            stream.xadd(STREAM, {"id": str(event.event_id), "event": encode_event(event)})


def prune(pruner: InboxPruner) -> None:
    """Run two walks: the last event of an appointment goes after the earlier ones."""
    for _ in range(2):
        while pruner.step():
            pass


def test_rows_that_no_later_event_needs_are_pruned(
    databases: Databases,
    notified: Notified,
    pruner: InboxPruner,
    long_ago: LongAgo,
    administrator: psycopg.Connection,
) -> None:
    ended, changeable, recent = Story(), Story(), Story()
    long_ago.consume(ended.booked(), ended.cancelled(), changeable.booked(), changeable.rescheduled())
    add(databases, recent.booked(), recent.cancelled())
    until(lambda: notified.rows("inbox") == 6, notified.follower.step)
    prune(pruner)
    left = administrator.execute("SELECT appointment_id, version FROM notifications.inbox ORDER BY 1, 2").fetchall()
    of_changeable, of_recent = changeable.appointment.appointment_id, recent.appointment.appointment_id
    assert left == sorted([(of_changeable, 2), (of_recent, 1), (of_recent, 2)])
    add(databases, changeable.cancelled())
    until(lambda: notified.rows("inbox") == 4, notified.follower.step)
    assert (of_changeable, 3, "cancellation") in notified.messages()


def test_events_republished_after_pruning_have_no_second_effect(
    databases: Databases,
    outbox: OutboxWriter,
    notified: Notified,
    pruner: InboxPruner,
    long_ago: LongAgo,
    administrator: psycopg.Connection,
) -> None:
    """Redis loses everything, and a relay that has not pruned republishes events that the inbox has forgotten."""
    ended, changeable, recent = Story(), Story(), Story()
    old = long_ago.consume(ended.booked(), ended.cancelled(), changeable.booked())
    outbox.write(*old, recent.booked())
    limits = RelayLimits(retention=NO_LIMIT)
    relay_once(databases, limits=limits)
    until(lambda: notified.rows("inbox") == 4, notified.follower.step)
    prune(pruner)
    administrator.execute("DELETE FROM notifications.message WHERE version = 1")  # Nothing else prevents a second mail.
    with redis.Redis.from_url(databases.redis_url) as stream:
        stream.flushdb()
    working = relay(databases, limits=limits)
    until(lambda: notified.rows("dead_letter") == 2, working.step, notified.follower.step)
    working.close()
    assert [version for _, version, _ in notified.messages()] == [2], "no event was applied again"
    letters = DeadLetters(notified.database, "notifications")
    assert [letter.version for letter in letters.list_letters()] == [1, 2]
    assert "may have forgotten" in letters.list_letters()[0].reason


def test_old_event_that_was_never_applied_is_applied_by_a_replay(databases: Databases, notified: Notified) -> None:
    """Such as after an outage of the consumers that lasted longer than the retention."""
    late = msgspec.structs.replace(Story().booked(), occurred_at=datetime.now(UTC) - AGO)
    letters = DeadLetters(notified.database, "notifications")
    notified.group.create()
    add(databases, late)
    until(lambda: len(letters.list_letters()) == 1, notified.follower.step)
    letters.replay(notified.group, [letter.entry_id for letter in letters.list_letters()])
    until(lambda: letters.list_letters() == [], notified.follower.step)
    assert [kind for _, _, kind in notified.messages()] == ["confirmation"]


def test_old_event_without_a_predecessor_is_applied_by_a_replay(databases: Databases, notified: Notified) -> None:
    """The inbox has forgotten the appointment, and no outbox has its earlier events any more."""
    story = Story()
    first, second, third = (
        msgspec.structs.replace(event, occurred_at=datetime.now(UTC) - AGO)
        for event in (story.booked(), story.rescheduled(), story.cancelled())
    )
    letters = DeadLetters(notified.database, "notifications")
    notified.group.create()
    add(databases, second, third)
    until(lambda: letters.count() == 2, notified.follower.step)
    of_second, of_third = letters.names(forged=False)
    letters.replay(notified.group, [of_third])
    until(lambda: notified.rows("early_event") == 1, notified.follower.step)
    assert notified.rows("inbox") == 0, "its predecessor waits for an operator"
    letters.replay(notified.group, [of_second])
    until(lambda: letters.count() == 0, notified.follower.step)
    assert [version for _, version, _ in notified.messages()] == [2, 3]
    add(databases, first)
    until(lambda: notified.rows("inbox") == 2 and notified.rows("early_event") == 0, notified.follower.step)


def test_old_early_event_requests_no_republication(
    databases: Databases, outbox: OutboxWriter, notified: Notified, administrator: psycopg.Connection
) -> None:
    """An earlier release stored it: its predecessor is in no outbox any more."""
    story = Story()
    story.booked()
    late = msgspec.structs.replace(story.rescheduled(), occurred_at=datetime.now(UTC) - AGO)
    administrator.execute(
        "INSERT INTO notifications.early_event (appointment_id, version, payload, arrived_at)"
        " VALUES (%s, 2, %s, now() - interval '1 hour')",
        (late.appointment.appointment_id, encode_event(late)),
    )
    outbox.write(Story().booked())
    relay_once(databases)
    until(lambda: notified.rows("inbox") == 1, notified.follower.step)
    notified.follower.step()
    with redis.Redis.from_url(databases.redis_url) as stream:
        assert stream.hkeys(PUBLISHED) == [b"http"], "nothing was requested"


def test_inbox_is_pruned_in_small_transactions(
    notified: Notified, pruner: InboxPruner, administrator: psycopg.Connection
) -> None:
    administrator.execute(
        """
        INSERT INTO notifications.inbox (event_id, appointment_id, version, applied_at, is_final)
        SELECT lpad(to_hex(i), 32, '0')::uuid, gen_random_uuid(), 1, now() - interval '31 days', true
          FROM generate_series(1, %s) AS i
        """,
        (2 * inbox_pruning.BATCH + 10,),
    )
    for left in (inbox_pruning.BATCH + 10, 10, 0):
        assert pruner.step() == (left > 0)
        assert notified.rows("inbox") == left


def test_consumers_and_pruning_do_not_wait_for_each_other(
    databases: Databases,
    notified: Notified,
    pruner: InboxPruner,
    long_ago: LongAgo,
    administrator: psycopg.Connection,
) -> None:
    story, ended = Story(), Story()
    long_ago.consume(story.booked(), story.rescheduled(), ended.booked(), ended.cancelled())
    with administrator.transaction():
        administrator.execute("DELETE FROM notifications.inbox WHERE version = 1")  # A pruning that is not committed.
        add(databases, story.cancelled(), Story().booked())
        until(lambda: notified.rows("inbox") == 6, notified.follower.step)
    with administrator.transaction():
        administrator.execute(
            "INSERT INTO notifications.inbox (event_id, appointment_id, version) VALUES (gen_random_uuid(), %s, 9)",
            (story.appointment.appointment_id,),
        )
        prune(pruner)
        assert notified.rows("inbox") == 2, "the last events of both, which are recent"
