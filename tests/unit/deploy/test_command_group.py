"""The list of `extraction` commands: fast, ordered, and without unavailable commands."""

import subprocess
import sys
from importlib.metadata import EntryPoint, entry_points, version

import click
import pytest
from click.testing import CliRunner

from deploy.cli import main
from deploy.cli.main import GROUP, CommandGroup, read_summaries
from deploy.errors import CommandError


def entry_point(name: str, module: str) -> EntryPoint:
    return EntryPoint(name, f"{module}:{name}", GROUP)


def test_help_imports_no_command() -> None:
    program = (
        "import sys; from click.testing import CliRunner; from deploy.cli.main import extraction;"
        "print(CliRunner().invoke(extraction, ['--help']).output);"
        "print([name for name in sys.modules if name.startswith(('deploy.cli.', 'loadtests.cli.', 'monolith'))])"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert "Grant and revoke the roles of the operator console." in shown
    assert shown.splitlines()[-1] == "['deploy.cli.main']"


def test_version_is_that_of_the_installed_package() -> None:
    shown = CliRunner().invoke(main.extraction, ["--version"])
    assert (shown.exit_code, shown.output) == (0, f"extraction, version {version('extraction')}\n")


def test_every_command_has_a_summary_of_one_line() -> None:
    summaries = read_summaries(entry_points(group=GROUP))
    assert len(summaries) == len(entry_points(group=GROUP)) >= 17
    assert [text for text in summaries.values() if not text.endswith(".") or len(text) > 66] == []


def test_known_commands_come_first_and_others_follow_alphabetically() -> None:
    given = [entry_point(name, "deploy.cli.mail") for name in ("zoo", "status", "ant", "demo")]
    assert list(read_summaries(given)) == ["demo", "status", "ant", "zoo"]


@pytest.mark.parametrize("module", ["deploy.cli.deleted", "deleted.cli.flag"])
def test_command_of_a_deleted_module_is_absent(module: str) -> None:
    assert list(read_summaries([entry_point("flag", module), entry_point("mail", "deploy.cli.mail")])) == ["mail"]


def test_command_that_imports_a_deleted_package_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "entry_points", lambda **_: [entry_point("flag", "deleted.cli.flag")])
    with pytest.raises(CommandError, match="`extraction flag` is not available: module deleted is not installed"):
        CommandGroup("extraction").get_command(click.Context(click.Command("extraction")), "flag")


def test_outdated_installation_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "entry_points", lambda **_: [])
    with pytest.raises(CommandError, match="install it again"):
        CommandGroup("extraction").get_command(click.Context(click.Command("extraction")), "demo")
