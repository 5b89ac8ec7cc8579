"""Guarantees for consumers: one effect per event, in version order per appointment."""

from collections.abc import Sequence
from uuid import uuid4

import msgspec
import pytest
import redis
from sqlalchemy import Connection

from contracts.scheduling.events import PUBLISHED, STREAM, AnyEvent, encode_event
from monolith.shared.database import ModuleDatabase
from monolith.shared.events import EventRejected
from monolith.shared.events.dead_letters import DeadLetters
from tests.databases import Databases
from tests.integration.events.relays_and_followers import QUICK, Notified, relay, relay_once, until
from tests.integration.events.sample_events import OutboxWriter, Story, http_outbox, in_process_outbox


@pytest.fixture
def stream(databases: Databases, notified: Notified) -> redis.Redis:
    notified.group.create()
    return redis.Redis.from_url(databases.redis_url)


def add(stream: redis.Redis, *events: AnyEvent) -> None:
    for event in events:
        stream.xadd(STREAM, {"id": str(event.event_id), "event": encode_event(event)})


def pending(stream: redis.Redis) -> int:
    return int(stream.xpending(STREAM, "notifications")["pending"])


def test_redelivered_event_has_one_effect(stream: redis.Redis, notified: Notified) -> None:
    story = Story()
    events: list[AnyEvent] = [story.booked(), story.rescheduled(), story.cancelled()]
    add(stream, *events, *events, *reversed(events))
    until(lambda: stream.xlen(STREAM) == 9 and notified.rows("inbox") == 3, notified.follower.step)
    until(lambda: pending(stream) == 0, notified.follower.step)
    assert [(version, kind) for _, version, kind in notified.messages()] == [
        (1, "confirmation"), (2, "change"), (3, "cancellation"),
    ]  # fmt: skip


def test_versions_are_applied_in_order(stream: redis.Redis, notified: Notified) -> None:
    story, other = Story(), Story()
    first, second, third = story.booked(), story.rescheduled(), story.cancelled()
    add(stream, third, second, other.booked())
    until(lambda: notified.rows("early_event") == 2 and notified.rows("inbox") == 1, notified.follower.step)
    assert pending(stream) == 0, "an early event blocks nobody"
    add(stream, first)
    until(lambda: notified.rows("inbox") == 4, notified.follower.step)
    ours = story.appointment.appointment_id
    assert [version for appointment, version, _ in notified.messages() if appointment == ours] == [1, 2, 3]
    assert notified.rows("early_event") == 0


def test_events_of_one_appointment_from_two_databases(
    databases: Databases, stream: redis.Redis, notified: Notified
) -> None:
    story = Story()
    first, second, third = story.booked(), story.rescheduled(), story.cancelled()
    ours, theirs = in_process_outbox(databases), http_outbox(databases)
    ours.write(first, third)
    theirs.write(second)
    relay_once(databases, "scheduling")
    relay_once(databases, "monolith")
    until(lambda: notified.rows("inbox") == 3, notified.follower.step)
    assert [version for _, version, _ in notified.messages()] == [1, 2, 3]


def test_persistent_gap_requests_republication(
    databases: Databases, outbox: OutboxWriter, stream: redis.Redis, notified: Notified
) -> None:
    story = Story()
    outbox.write(story.booked())
    relay_once(databases)
    stream.xtrim(STREAM, maxlen=0, approximate=False)
    outbox.write(story.rescheduled())
    working = relay(databases)
    until(lambda: notified.rows("inbox") == 2, working.step, notified.follower.step)
    assert [version for _, version, _ in notified.messages()] == [1, 2]


@pytest.mark.row("F32")
def test_poison_event_becomes_a_dead_letter_and_blocks_nothing(databases: Databases, stream: redis.Redis) -> None:
    poison, story = Story(), Story()
    notified = Notified(databases)
    handle, attempts = notified.consumer.handle, 0

    def failing(events: Sequence[AnyEvent], connection: Connection) -> None:
        nonlocal attempts
        handle(events, connection)
        if any(event.appointment.appointment_id == poison.appointment.appointment_id for event in events):
            attempts += len(events) == 1
            raise ZeroDivisionError("a bug of ours\x00")

    broken = Notified(databases, handle=failing)
    add(stream, poison.booked(), story.booked(), poison.rescheduled(), story.cancelled())
    broken.follower.step()
    assert broken.rows("inbox") == 2, "the others did not wait for the attempts"
    until(lambda: broken.rows("dead_letter") == 1, broken.follower.step)
    assert attempts == QUICK.attempts == 8
    (letter,) = DeadLetters(notified.database, "notifications").list_letters()
    assert (letter.version, letter.reason) == (1, "ZeroDivisionError: a bug of ours\\x00")
    until(lambda: pending(stream) == 0, broken.follower.step)
    assert [version for _, version, _ in broken.messages()] == [1, 2]
    stream.delete(PUBLISHED)
    broken.follower.step()

    letters = DeadLetters(notified.database, "notifications")
    assert letters.replay(notified.group, [letter.entry_id]) == 1
    until(lambda: notified.rows("inbox") == 4, notified.follower.step)
    assert letters.list_letters() == []
    assert notified.rows("early_event") == 0, "its successor had waited, and followed"


def test_failed_replay_keeps_one_dead_letter(databases: Databases, stream: redis.Redis) -> None:
    def refusing(events: Sequence[AnyEvent], connection: Connection) -> None:
        raise EventRejected("never")

    broken = Notified(databases, handle=refusing)
    letters = DeadLetters(broken.database, "notifications")
    event = Story().booked()
    add(stream, event, event)
    until(lambda: len(letters.list_letters()) == 1 and pending(stream) == 0, broken.follower.step)
    letters.replay(broken.group, [each.entry_id for each in letters.list_letters()])
    assert letters.list_letters()[0].replayed_at is not None
    until(lambda: letters.list_letters()[0].replayed_at is None, broken.follower.step)
    assert len(letters.list_letters()) == 1


@pytest.mark.row("H43")
@pytest.mark.parametrize(
    "fields",
    [
        {"id": str(uuid4()), "event": encode_event(Story().booked())},
        {"id": "x", "event": b"{}"},
        {"id": "x", "event": b"\xff\xfe\x00"},
        {"id": "x\x00", "event": b"[" * 5000},
        {"id": "x", "event": b"1" * 70_000},
        {"id": "x" * 1_000_000, "event": b"1" * 16_000_000},
        {"event": encode_event(Story().booked())},
        {"something": "else"},
    ],
    ids=["another id", "not the schema", "not text", "deep", "long", "giant", "no id", "other fields"],
)
def test_invalid_entry_becomes_a_dead_letter_without_effect(
    stream: redis.Redis, notified: Notified, fields: dict[str, str | bytes]
) -> None:
    stream.xadd(STREAM, fields)  # type: ignore[arg-type]
    honest = Story().booked()
    add(stream, honest)
    until(lambda: notified.rows("inbox") == 1 and notified.rows("dead_letter") == 1, notified.follower.step)
    assert [appointment for appointment, *_ in notified.messages()] == [honest.appointment.appointment_id]
    assert pending(stream) == 0
    (letter,) = DeadLetters(notified.database, "notifications").list_letters()
    assert letter.event_id is None
    assert letter.reason.startswith("InvalidEntry")
    assert notified.bytes_of_dead_letters() < 70_000, "no more than an event can have"


def test_event_of_an_unknown_kind_can_be_replayed(
    databases: Databases, stream: redis.Redis, notified: Notified
) -> None:
    event = Story().booked()
    unknown = encode_event(event).replace(b"appointment.booked", b"appointment.cloned")
    stream.xadd(STREAM, {"id": str(event.event_id), "event": unknown})
    until(lambda: notified.rows("dead_letter") == 1, notified.follower.step)
    letters = DeadLetters(notified.database, "notifications")
    letters.replay(notified.group, [letter.entry_id for letter in letters.list_letters()])
    until(lambda: pending(stream) == 0 and notified.rows("dead_letter") == 1, notified.follower.step)
    newest = stream.xrevrange(STREAM, count=1)
    assert newest is not None
    assert newest[0][1] == {b"id": str(event.event_id).encode(), b"event": unknown, b"consumer": b"notifications"}


def test_unknown_field_is_ignored(stream: redis.Redis, notified: Notified) -> None:
    event = Story().booked()
    payload = msgspec.json.encode({**msgspec.to_builtins(event), "added_later": 1})
    stream.xadd(STREAM, {"id": str(event.event_id), "event": payload})
    until(lambda: notified.rows("inbox") == 1, notified.follower.step)


def test_two_workers_share_the_work(databases: Databases, stream: redis.Redis) -> None:
    workers = [Notified(databases), Notified(databases)]
    stories = [Story() for _ in range(15)]
    add(stream, *(story.booked() for story in stories))
    add(stream, *(story.rescheduled() for story in stories))
    add(stream, *(story.cancelled() for story in stories))
    until(lambda: workers[0].rows("inbox") == 45, *(worker.follower.step for worker in workers))
    told: dict[object, list[int]] = {}
    for appointment, version, _ in workers[0].messages():
        told.setdefault(appointment, []).append(version)
    assert list(told.values()) == [[1, 2, 3]] * 15


def test_failed_effect_is_rolled_back(databases: Databases, stream: redis.Redis) -> None:
    notified = Notified(databases)

    def failing(events: Sequence[AnyEvent], connection: Connection) -> None:
        notified.consumer.handle(events, connection)
        raise OSError

    add(stream, Story().booked())
    Notified(databases, handle=failing).follower.step()
    assert (notified.rows("inbox"), notified.rows("message"), pending(stream)) == (0, 0, 1)
    until(lambda: notified.rows("inbox") == 1, notified.follower.step)


def test_handler_sees_only_the_business_of_the_event(databases: Databases, stream: redis.Redis) -> None:
    other = Story(business_id=uuid4())
    add(stream, Story().booked(), other.booked())
    notified = Notified(databases)
    until(lambda: notified.rows("inbox") == 2, notified.follower.step)
    database = ModuleDatabase(databases.monolith_url, role="notifications_app", secret=databases.role_secret)
    with database.transaction(other.business_id) as connection:
        rows = connection.exec_driver_sql("SELECT appointment_id FROM notifications.message").scalars().all()
    assert rows == [other.appointment.appointment_id]
    database.close()
