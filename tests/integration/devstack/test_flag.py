"""`extraction flag`: the flag says what was requested and accepted, and its history can always be shown."""

import pytest

from monolith.shared.database import Database
from monolith.shared.flags.store import record
from tests.command_line import CommandLine, cutover_settings
from tests.databases import Databases


@pytest.fixture
def extraction(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(cutover_settings(databases), monkeypatch, capsys)


@pytest.fixture
def platform(databases: Databases) -> Database:
    return Database(databases.monolith_url, role="platform_app", secret=databases.role_secret)


def test_show_lists_a_guard_that_ended(platform: Database, extraction: CommandLine) -> None:
    extraction("flag", "set", "http", "--reason", "first")
    with platform.transaction() as connection:
        record(
            connection,
            actor="guard",
            action="guard.returned",
            subject="scheduling.adapter business:0190a0b0-0000-7000-8000-000000000000",
            before={"bound": {"p95_ms": 500.0}},
            after={"owner": "http"},
            reason="30 of 40 calls failed",
        )
    shown = extraction("flag", "show")
    assert shown.returncode == 0
    ended, flagged = [line.split() for line in shown.stdout.splitlines()[2:]]
    assert ended[2:4] == ["guard", "guard.returned"]
    assert " ".join(ended[4:]) == "30 of 40 calls failed"
    assert flagged[3:] == ["in_process", "http", "first"]
