"""With EVENT_SECRETS, only entries of relays and consumers have an effect, also while the secret is replaced."""

from functools import partial

import pytest
import redis

from contracts.scheduling.event_signatures import EventSecrets
from contracts.scheduling.events import STREAM, encode_event
from monolith.shared.events import EventRejected
from monolith.shared.events.dead_letters import DeadLetters
from tests.command_line import CommandLine, monolith_settings
from tests.databases import Databases
from tests.integration.events.relays_and_followers import Notified, relay, until
from tests.integration.events.sample_events import OutboxWriter, Story

OLD, NEW = "the-old-secret-of-events", "the-new-secret-of-events"


def forge(databases: Databases, story: Story, **fields: str) -> None:
    """Add an event that is valid in itself, with the right id."""
    event = story.booked()
    with redis.Redis.from_url(databases.redis_url) as stream:
        stream.xadd(STREAM, {"id": str(event.event_id), "event": encode_event(event), **fields})


@pytest.mark.row("H43")
def test_forged_event_becomes_a_dead_letter_without_effect(
    databases: Databases,
    outbox: OutboxWriter,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    notified, honest, forged = Notified(databases, secrets=EventSecrets([OLD])), Story(), Story()
    notified.group.create()
    forge(databases, forged, signature=EventSecrets([NEW]).sign(encode_event(honest.booked())))
    forge(databases, Story())
    outbox.write(honest.booked())
    working = relay(databases, secrets=EventSecrets([OLD]))
    rows = notified.rows
    until(lambda: (rows("dead_letter"), rows("inbox")) == (2, 1), working.step, notified.follower.step)
    assert [appointment for appointment, *_ in notified.messages()] == [honest.appointment.appointment_id]
    letters = DeadLetters(notified.database, "notifications").list_letters()
    assert [letter.is_forged for letter in letters] == [True, True]

    settings = {**monolith_settings(databases), "REDIS_URL": databases.redis_url, "EVENT_SECRETS": OLD}
    extraction = partial(CommandLine(settings, monkeypatch, capsys), "events")
    assert extraction("replay", "notifications", "--all").stdout.startswith("0 events"), "it would sign them"
    assert extraction("replay", "notifications", letters[0].entry_id).returncode == 0, "after an inspection"
    until(lambda: (rows("dead_letter"), rows("inbox")) == (1, 2), notified.follower.step)
    notified.close()


@pytest.mark.row("H43")
@pytest.mark.parametrize("copied", [False, True], ids=["other content", "unsigned copy"])
def test_invalid_entry_replaces_no_dead_letter_whose_id_it_has(databases: Databases, copied: bool) -> None:
    """A client of Redis deletes the stream and chooses the id of a letter that waits for an operator."""

    def refusing(*_: object) -> None:
        raise EventRejected("a bug of ours")

    notified = Notified(databases, handle=refusing, secrets=EventSecrets([OLD]))
    letters = DeadLetters(notified.database, "notifications")
    event = Story().booked()
    payload = encode_event(event)
    with redis.Redis.from_url(databases.redis_url) as stream:
        notified.group.create()
        notified.group.add(str(event.event_id), payload)
        until(lambda: letters.count() == 1, notified.follower.step)
        (genuine,) = letters.list_letters()
        for forged in (payload if copied else b"{}", b"[]", b"[]"):
            stream.delete(STREAM)
            stream.xadd(STREAM, {"id": str(event.event_id), "event": forged}, id=genuine.entry_id)
            notified.group.create()
            until(lambda: stream.xinfo_groups(STREAM)[0]["entries-read"] == 1, notified.follower.step)
            until(lambda: stream.xpending(STREAM, "notifications")["pending"] == 0, notified.follower.step)
    found = letters.list_letters()
    assert sorted(each.event_id is None for each in found) == [False, True, True], "one for each content"
    assert letters.payload(genuine.entry_id) == payload
    assert next(each for each in found if each.event_id).reason == "EventRejected: a bug of ours"
    notified.close()


@pytest.mark.row("H43")
def test_secret_is_replaced_without_losing_an_event(databases: Databases, outbox: OutboxWriter) -> None:
    rotation = [([OLD], [OLD]), ([OLD], [NEW, OLD]), ([NEW, OLD], [NEW, OLD]), ([NEW], [NEW])]
    stories = [Story() for _ in rotation]
    for number, ((signing, verifying), story) in enumerate(zip(rotation, stories, strict=True), 1):
        notified = Notified(databases, secrets=EventSecrets(verifying))
        notified.group.create()
        outbox.write(story.booked())
        working = relay(databases, secrets=EventSecrets(signing))
        until(lambda: notified.rows("inbox") == number, working.step, notified.follower.step)  # noqa: B023
        working.close()
        notified.close()
    assert notified.rows("dead_letter") == 0


def test_consumer_signs_the_events_that_had_to_wait(databases: Databases, outbox: OutboxWriter) -> None:
    notified, story = Notified(databases, secrets=EventSecrets([OLD])), Story()
    notified.group.create()
    first, second = story.booked(), story.rescheduled()
    working = relay(databases, secrets=EventSecrets([OLD]))
    outbox.write(second)
    until(lambda: notified.rows("early_event") == 1, working.step, notified.follower.step)
    outbox.write(first)
    until(lambda: notified.rows("inbox") == 2, working.step, notified.follower.step)
    assert [version for _, version, _ in notified.messages()] == [1, 2]
    notified.close()
