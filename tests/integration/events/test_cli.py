"""`extraction events`, as an operator uses it."""

import os
import subprocess
import sys

import redis

from contracts.scheduling.codec import encode_event
from contracts.scheduling.events import PUBLISHED, STREAM
from monolith.shared.events import Refused
from tests.databases import Databases
from tests.integration.events.sides import Notified, entries, relay, until
from tests.integration.events.story import OutboxWriter, Story
from tests.servers import ROOT


def extraction(databases: Databases, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "MONOLITH_DATABASE_URL": databases.monolith_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
        "REDIS_URL": databases.redis_url,
        **settings,
    }
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli.main", "events", *arguments],
        cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_dead_letter_is_listed_and_replayed(databases: Databases, notified: Notified) -> None:
    def refusing(*_: object) -> None:
        raise Refused("[red]no price yet")

    broken = Notified(databases, handle=refusing)
    broken.group.create()
    event = Story().booked()
    with redis.Redis.from_url(databases.redis_url) as stream:
        stream.xadd(STREAM, {"id": str(event.event_id), "event": encode_event(event)})
    until(lambda: notified.rows("dead_letter") == 1, broken.follower.step)

    assert extraction(databases, "dead", "billing").stdout == "there are no dead letters\n"
    listed = extraction(databases, "dead")
    assert str(event.appointment.appointment_id) in listed.stdout
    assert "Refused: [red]no price yet" in listed.stdout
    letter = listed.stdout.splitlines()[1].split()[1]
    assert extraction(databases, "replay", "notifications", letter).returncode == 0
    until(lambda: notified.rows("inbox") == 1, notified.follower.step)
    assert extraction(databases, "dead").stdout == "there are no dead letters\n"
    assert extraction(databases, "replay", "notifications", "--all").stdout.startswith("0 events")


def test_what_is_wrong_is_one_line(databases: Databases) -> None:
    for arguments, settings, words in [
        (["replay", "notifications"], {}, "--all"),
        (["replay", "notifications", "1-1"], {}, "no dead letter 1-1"),
        (["replay", "shipping", "--all"], {}, "shipping"),
        (["republish"], {"REDIS_URL": "redis://:secret@127.0.0.1:1/0"}, "redis://127.0.0.1:1/0"),
        (["republish"], {"REDIS_URL": ""}, "REDIS_URL"),
        (["dead"], {"MONOLITH_DATABASE_URL": "postgresql://127.0.0.1:1/monolith"}, "127.0.0.1"),
    ]:
        answer = extraction(databases, *arguments, **settings)
        assert answer.returncode == 2, arguments
        assert words in answer.stderr
        assert "secret" not in answer.stderr
        assert answer.stderr.count("\n") == 1


def test_everything_is_published_again_on_demand(databases: Databases, outbox: OutboxWriter) -> None:
    outbox.write(Story().booked(), Story().booked())
    working = relay(databases)
    working.step()
    assert extraction(databases, "republish").returncode == 0
    with redis.Redis.from_url(databases.redis_url) as stream:
        assert not stream.exists(PUBLISHED)
    until(lambda: len(entries(databases.redis_url)) == 4, working.step)
    working.close()
