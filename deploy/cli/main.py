"""`extraction`, the command line of the product.

Commands are entry points of the group `extraction.commands`, declared in `pyproject.toml`. A command's module is
imported only when the command is called; the first line of its docstring is the summary in `extraction --help`.
"""

import ast
import importlib.util
import signal
import sys
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import click

from deploy.errors import CommandError

EXIT_USER_ERROR = 2
GROUP = "extraction.commands"
ORDER = (
    *(
        "demo",
        "console",
        "db",
        "flag",
        "replicate",
        "shadow",
        "verify",
        "cutover",
        "databases",
        "finalize",
        "reset",
        "status",
    ),
    *("backup", "restore", "recover"),
    *("audit", "events", "seed", "operator", "mail"),
)
"""The order of the list, from a newcomer's first command on. Other commands follow alphabetically."""


class CommandGroup(click.Group):
    """Commands from entry points. A command whose module was deleted is absent."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(read_summaries(entry_points(group=GROUP)))

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """None for an unknown name. Raises CommandError when something that the command imports is missing."""
        found = next(iter(entry_points(group=GROUP, name=name)), None)
        if found is None:
            _require_registration()
            return None
        try:
            command: click.Command = found.load()
        except ModuleNotFoundError as error:
            raise CommandError(f"`extraction {name}` is not available: module {error.name} is not installed") from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without importing any command."""
        _require_registration()
        with formatter.section("Commands"):
            formatter.write_dl(list(read_summaries(entry_points(group=GROUP)).items()))


def read_summaries(commands: Iterable[EntryPoint]) -> dict[str, str]:
    """Map the commands whose module exists to their one-line summaries, in the order of the list."""
    found = {each.name: _module_file(each.module) for each in commands}
    names = sorted(found, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    return {name: _summary(file) for name in names if (file := found[name]) is not None}


def _module_file(module: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(module)
    except ModuleNotFoundError:
        return None
    return None if spec is None or spec.origin is None else Path(spec.origin)


def _summary(file: Path) -> str:
    docstring = ast.get_docstring(ast.parse(file.read_bytes())) or ""
    return docstring.partition("\n")[0]


def _require_registration() -> None:
    """Check that the entry points are registered: an editable installation keeps those of its installation time."""
    if not entry_points(group=GROUP):
        raise CommandError("the installed package declares no commands: run `make demo`, or install it again")


@click.command(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="extraction", prog_name="extraction")
def extraction() -> None:
    """An appointment-booking product that runs as a modular monolith, or with its scheduling module extracted.

    Begin with `extraction demo`. For details of a command: `extraction COMMAND --help`.
    """


def main() -> None:
    """Run one command. An error that the user can correct is one line on stderr and exit code 2, never a traceback."""
    try:
        sys.exit(extraction(prog_name="extraction", standalone_mode=False))
    except click.Abort:
        sys.exit(130)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
    except click.UsageError as error:
        command = error.ctx.command_path if error.ctx else "extraction"
        click.echo(f"{command}: {sentence(error.format_message())} See `{command} --help`.", err=True)
    except (click.ClickException, CommandError, OSError) as error:
        click.echo(f"extraction: {one_line(error)}", err=True)
    sys.exit(EXIT_USER_ERROR)


def run_alone(command: click.Command, program: str, name: str) -> None:
    """Run a command that is a program of its own, with the same error handling. Ctrl-C and SIGTERM stop its servers."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        command(prog_name=program)
    except (CommandError, OSError) as error:
        click.echo(f"{name}: {one_line(error)}", err=True)
        sys.exit(EXIT_USER_ERROR)


def one_line(error: Exception | str) -> str:
    """The message of an error, on one line."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def sentence(text: str) -> str:
    """The text on one line, with a full stop."""
    line = one_line(text)
    return line if line.endswith((".", "?", "!")) else f"{line}."


if __name__ == "__main__":
    main()
