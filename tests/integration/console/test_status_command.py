"""`extraction status` for somebody who has an account of the console and no secret of the deployment."""

import json

import click
import pytest

from tests.command_line import CommandLine
from tests.console_process import NOBODY, PASSWORD, VIEWER, ConsoleSite
from tests.polling import eventually


@pytest.fixture
def extraction(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command without any setting of a deployment; its prompt is answered with the password."""
    for name in ("MONOLITH_DATABASE_URL", "SCHEDULING_DATABASE_URL", "DATABASE_ROLE_SECRET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(click, "prompt", lambda *_, **__: PASSWORD)
    return CommandLine({}, monkeypatch, capsys)


def test_a_viewer_reads_the_status_with_an_account_only(console: ConsoleSite, extraction: CommandLine) -> None:
    asked = ("status", "--console", console.url, "--email", VIEWER)
    before = console.sql("SELECT count(*) FROM auth.session")
    eventually(lambda: extraction(*asked).returncode == 0, "a snapshot")
    shown = extraction(*asked, "--json")
    assert isinstance(json.loads(shown.stdout)["businesses"], list)
    assert extraction(*asked).returncode == 0
    assert console.sql("SELECT count(*) FROM auth.session") == before, "it signs out"


def test_an_account_without_a_role_reads_nothing(console: ConsoleSite, extraction: CommandLine) -> None:
    refused = extraction("status", "--console", console.url, "--email", NOBODY)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "has no role in the console" in refused.stderr


@pytest.mark.parametrize(
    "options, words",
    [
        (("--console", "http://console.example.com", "--email", VIEWER), "is not encrypted: use https"),
        (("--console", "http://127.0.0.1:9", "--email", VIEWER), "cannot be reached (ConnectionError)"),
        (("--console", "http://127.0.0.1:9"), "give both --console and --email"),
    ],
)
def test_an_unusable_console_is_an_error_of_one_line(
    extraction: CommandLine, options: tuple[str, ...], words: str
) -> None:
    refused = extraction("status", *options)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert words in refused.stderr
