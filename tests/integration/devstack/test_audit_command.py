"""`extraction audit` and options with numbers, given what an attacker or a mistaken operator would enter."""

import pytest

from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import FlagStore
from tests.command_line import CommandLine, cutover_settings
from tests.databases import Databases


@pytest.fixture
def extraction(
    databases: Databases, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    return CommandLine(cutover_settings(databases), monkeypatch, capsys)


def test_no_audited_text_reaches_the_terminal_as_a_control_sequence(
    databases: Databases, extraction: CommandLine
) -> None:
    platform = ModuleDatabase(databases.monolith_url, role="platform_app", secret=databases.role_secret)
    hostile = "\x1b]0;owned\x07 \x9b31m \u202egpj.exe"
    FlagStore(platform).record(f"a{hostile}", f"s{hostile}", actor=f"u{hostile}", reason=f"r{hostile}", details=hostile)
    shown = extraction("audit")
    assert shown.returncode == 0
    assert "owned" in shown.stdout
    assert not set(shown.stdout) & set("\x1b\x07\x9b\u202e")


@pytest.mark.parametrize(
    "arguments",
    [
        ("shadow", "set", "nan"),
        ("flag", "set", "http", "--all", "--percent", "nan", "--reason", "x"),
        ("flag", "set", "http", "--business", "salon", "--fence-seconds", "nan", "--reason", "x"),
        ("flag", "set", "http", "--business", "salon", "--guard", "--guard-for", "nan", "--reason", "x"),
        ("flag", "set", "http", "--business", "salon", "--guard", "--guard-p95-ms", "inf", "--reason", "x"),
    ],
)
def test_what_is_no_number_is_refused(extraction: CommandLine, arguments: tuple[str, ...]) -> None:
    refused = extraction(*arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "is not a number" in refused.stderr
    assert "no such entry" in extraction("audit").stdout, "nothing has changed"
