"""Dead letters: each replay concerns one consumer, all of them are found, and those that are settled disappear."""

from collections.abc import Callable
from functools import partial

import psycopg
import pytest
import redis

from contracts.scheduling.event_signatures import EventSecrets
from contracts.scheduling.events import STREAM, AnyEvent, encode_event
from monolith.modules.billing.module import build_billing
from monolith.shared.database import ModuleDatabase
from monolith.shared.events.consumer_group import ConsumerGroup
from monolith.shared.events.dead_letters import DeadLetters
from monolith.shared.events.follower import Follower
from tests.command_line import CommandLine, CommandResult, monolith_settings
from tests.databases import Databases
from tests.integration.events.relays_and_followers import QUICK, Notified, until
from tests.integration.events.sample_events import Story

MANY = 1200


@pytest.fixture
def extraction(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., CommandResult]:
    settings = {**monolith_settings(databases), "REDIS_URL": databases.redis_url}
    return partial(CommandLine(settings, monkeypatch, capsys), "events")


def insert_letter(databases: Databases, entry_id: str, event: AnyEvent) -> None:
    with psycopg.connect(databases.monolith_admin_url) as connection:
        connection.execute(
            """
            INSERT INTO notifications.dead_letter
                (entry_id, stated_id, payload, reason, event_id, appointment_id, version)
            VALUES (%s, %s, %s, 'CommitUnknown: lost', %s, %s, %s)
            """,
            (
                entry_id,
                str(event.event_id),
                encode_event(event),
                event.event_id,
                event.appointment.appointment_id,
                event.version,
            ),
        )


def test_replayed_letter_concerns_one_consumer(databases: Databases, notified: Notified) -> None:
    database = ModuleDatabase(databases.monolith_url, role="billing_app", secret=databases.role_secret)
    group = ConsumerGroup(databases.redis_url, "billing", block_ms=10)
    billing = Follower(build_billing(database).consumers[0], group, QUICK)
    notified.group.create()
    group.create()
    letters = [DeadLetters(notified.database, "notifications"), DeadLetters(database, "billing")]
    with redis.Redis.from_url(databases.redis_url) as stream:
        stream.xadd(STREAM, {"id": "x", "event": "{}"})

        def all_handled() -> bool:
            newest = stream.xinfo_stream(STREAM)["last-generated-id"]
            return all(
                each["pending"] == 0 and each["last-delivered-id"] == newest for each in stream.xinfo_groups(STREAM)
            )

        for _ in range(3):
            until(all_handled, notified.follower.step, billing.step)
            assert [each.count() for each in letters] == [1, 1]
            assert letters[1].replay(group, letters[1].names(forged=False)) == 1
        until(all_handled, notified.follower.step, billing.step)
    assert [each.count() for each in letters] == [1, 1]
    billing.close()
    database.close()


def test_every_letter_is_listed_and_replayed(
    databases: Databases, notified: Notified, extraction: Callable[..., CommandResult]
) -> None:
    with psycopg.connect(databases.monolith_admin_url) as connection:
        connection.execute(
            """
            INSERT INTO notifications.dead_letter (entry_id, stated_id, payload, reason, died_at)
            SELECT '1-' || i, 'x', '{}', 'ValueError: no', now() + i * interval '1 second' FROM generate_series(1, %s) i
            """,
            (MANY,),
        )
    lines = extraction("dead").stdout.splitlines()
    assert [line.split()[1] for line in lines] == ["letter", *(f"1-{i}" for i in range(1, MANY + 1))]
    assert extraction("replay", "notifications", f"1-{MANY}").stdout.startswith("1 event of")
    assert extraction("replay", "notifications", "--all").stdout.startswith(f"{MANY - 1:,} events of")
    assert notified.rows("dead_letter") == 0
    with redis.Redis.from_url(databases.redis_url) as stream:
        assert stream.xlen(STREAM) == MANY


def test_replayed_letter_of_an_applied_event_disappears(databases: Databases, notified: Notified) -> None:
    """Such as after a commit whose outcome the consumer did not learn."""
    event = Story().booked()
    notified.group.create()
    notified.group.add(str(event.event_id), encode_event(event))
    until(lambda: notified.rows("inbox") == 1, notified.follower.step)
    insert_letter(databases, "1-1", event)
    DeadLetters(notified.database, "notifications").replay(notified.group, ["1-1"])
    until(lambda: notified.rows("dead_letter") == 0, notified.follower.step)
    assert len(notified.messages()) == 1


@pytest.mark.row("H43")
def test_letters_are_discarded_and_audited(databases: Databases, extraction: Callable[..., CommandResult]) -> None:
    notified, event = Notified(databases, secrets=EventSecrets(["the-secret-of-the-events"])), Story().booked()
    notified.group.create()
    with redis.Redis.from_url(databases.redis_url) as stream:
        stream.xadd(STREAM, {"id": "x", "event": "{}"})
        stream.xadd(STREAM, {"id": "y", "event": "{}"})
    until(lambda: notified.rows("dead_letter") == 2, notified.follower.step)
    insert_letter(databases, "1-1", event)
    insert_letter(databases, "1-2", Story().booked())

    discard = partial(extraction, "discard", "notifications")
    assert "--reason" in discard("1-1").stderr
    assert "Give a reason" in discard("1-1", "--reason", " ").stderr
    assert "--all-forged" in discard("--reason", "no letter is named").stderr
    absent = discard("1-1", "9-9", "--reason", "a typing error")
    assert (absent.returncode, notified.rows("dead_letter")) == (2, 4)
    assert "no dead letter 9-9" in absent.stderr
    assert discard("1-1", "--reason", "it was applied before").stdout == "1 letter of notifications discarded\n"
    assert discard("--all-forged", "--reason", "an attack").stdout == "2 letters of notifications discarded\n"
    assert [each.entry_id for each in DeadLetters(notified.database, "notifications").list_letters()] == ["1-2"]

    with psycopg.connect(databases.monolith_admin_url) as connection:
        audited = connection.execute(
            "SELECT subject, reason, after FROM platform.audit WHERE action = 'events.discarded' ORDER BY audit_id"
        ).fetchall()
    assert [(subject, reason) for subject, reason, _ in audited] == [
        ("events notifications", "it was applied before"),
        ("events notifications", "an attack"),
    ]
    (single,), forged = (details["letters"] for *_, details in audited)
    assert (single["letter"], single["event_id"]) == ("1-1", str(event.event_id))
    assert [each["reason"].partition(":")[0] for each in forged] == ["ForgedEntry"] * 2
    notified.close()
