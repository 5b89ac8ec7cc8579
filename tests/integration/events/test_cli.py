"""The command `extraction events`."""

from collections.abc import Callable
from functools import partial

import pytest
import redis

from contracts.scheduling.events import PUBLISHED, STREAM, encode_event
from monolith.shared.events import EventRejected
from tests.command_line import CommandLine, CommandResult, monolith_settings
from tests.databases import Databases
from tests.integration.events.relays_and_followers import Notified, entries, relay, until
from tests.integration.events.sample_events import OutboxWriter, Story

EventsCommand = Callable[..., CommandResult]


@pytest.fixture
def extraction(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> EventsCommand:
    settings = {**monolith_settings(databases), "REDIS_URL": databases.redis_url}
    return partial(CommandLine(settings, monkeypatch, capsys), "events")


@pytest.mark.row("F32")
def test_dead_letter_is_listed_and_replayed(
    databases: Databases, notified: Notified, extraction: EventsCommand
) -> None:
    def refusing(*_: object) -> None:
        raise EventRejected("[red]no price yet")

    broken = Notified(databases, handle=refusing)
    broken.group.create()
    event = Story().booked()
    with redis.Redis.from_url(databases.redis_url) as stream:
        stream.xadd(STREAM, {"id": str(event.event_id), "event": encode_event(event)})
    until(lambda: notified.rows("dead_letter") == 1, broken.follower.step)

    assert extraction("dead", "billing").stdout == "there are no dead letters\n"
    listed = extraction("dead")
    assert str(event.appointment.appointment_id) in listed.stdout
    assert "EventRejected: [red]no price yet" in listed.stdout
    letter = listed.stdout.splitlines()[1].split()[1]
    assert extraction("replay", "notifications", letter).returncode == 0
    until(lambda: notified.rows("inbox") == 1, notified.follower.step)
    assert extraction("dead").stdout == "there are no dead letters\n"
    assert extraction("replay", "notifications", "--all").stdout.startswith("0 events")


def test_error_is_one_line(extraction: EventsCommand) -> None:
    for arguments, settings, words in [
        (["replay", "notifications"], {}, "--all"),
        (["replay", "notifications", "1-1"], {}, "no dead letter 1-1"),
        (["replay", "shipping", "--all"], {}, "shipping"),
        (["republish"], {"REDIS_URL": "redis://:secret@127.0.0.1:1/0"}, "redis://127.0.0.1:1/0"),
        (["republish"], {"REDIS_URL": ""}, "REDIS_URL"),
        (["dead"], {"MONOLITH_DATABASE_URL": "postgresql://127.0.0.1:1/monolith"}, "127.0.0.1"),
    ]:
        answer = extraction(*arguments, **settings)
        assert answer.returncode == 2, arguments
        assert words in answer.stderr
        assert "secret" not in answer.stderr
        assert answer.stderr.count("\n") == 1


def test_everything_is_republished_on_request(
    databases: Databases, outbox: OutboxWriter, extraction: EventsCommand
) -> None:
    outbox.write(Story().booked(), Story().booked())
    working = relay(databases)
    working.step()
    assert extraction("republish").returncode == 0
    with redis.Redis.from_url(databases.redis_url) as stream:
        assert not stream.exists(PUBLISHED)
    until(lambda: len(entries(databases.redis_url)) == 4, working.step)
    working.close()
