"""`extraction`: one command for all that a person does with this product outside a browser."""

import importlib
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import click

from deploy.errors import CommandError

EXIT_WRONG_USE = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """Where a command is (its module has a click command of the same name), and its line in the list."""

    module: str
    summary: str


COMMANDS: Mapping[str, Entry] = {
    "demo": Entry("deploy.cli.demo", "Run the whole product on this machine, with demo data."),
    "db": Entry("deploy.cli.db", "Set up a database, or check one."),
    "flag": Entry("deploy.cli.flag", "Show or set which side serves which business: move one, some or all."),
    "replicate": Entry("deploy.cli.replicate", "Keep every business in both databases: what a move needs."),
    "shadow": Entry("deploy.cli.shadow", "Ask both sides a share of the reads, and compare the answers."),
    "verify": Entry("deploy.cli.verify", "Compare businesses in both databases, row by row."),
    "cutover": Entry("deploy.cli.cutover", "Follow moves of businesses, end one, or carry one on."),
    "finalize": Entry("deploy.cli.finalize", "End the extraction for good, when everything has moved."),
    "reset": Entry("deploy.cli.reset", "Bring everything back to before the extraction."),
    "status": Entry("deploy.cli.status", "Show who owns each business, and how much it holds."),
    "events": Entry("deploy.cli.events", "See and replay the events that a module could not apply."),
    "seed": Entry("deploy.cli.seed", "Fill the databases with many businesses and appointments."),
    "load": Entry("loadtests.cli.load", "Send a peak hour through either adapter, and compare."),
    "lab": Entry("loadtests.cli.lab", "Measure topologies against each other, and judge: extract, or not."),
    "evidence": Entry("loadtests.cli.evidence", "Say which module of a running application is short of what."),
    "operator": Entry("deploy.cli.operator", "Appoint those who run the whole product."),
    "mail": Entry("deploy.cli.mail", "Read the mails that the demo has sent."),
}


class Commands(click.Group):
    """Imports a command when it is called, so that the list of them comes at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """None for a name that is no command."""
        entry = COMMANDS.get(name)
        if entry is None:
            return None
        command: click.Command = getattr(importlib.import_module(entry.module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items()])


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
def extraction() -> None:
    """An appointment-booking product that runs as a modular monolith, or with scheduling extracted from it.

    Begin with `extraction demo`. Each command explains itself: `extraction COMMAND --help`.
    """


def main() -> None:
    """Run one command. What the user can mend is one line on stderr and exit code 2, never a traceback."""
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
    sys.exit(EXIT_WRONG_USE)


def run_alone(command: click.Command, program: str, name: str) -> None:
    """Run a command that is a program of its own. What the user can mend is one line and exit code 2; Ctrl-C and
    SIGTERM stop the servers first."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        command(prog_name=program)
    except (CommandError, OSError) as error:
        click.echo(f"{name}: {one_line(error)}", err=True)
        sys.exit(EXIT_WRONG_USE)


def one_line(error: Exception | str) -> str:
    """What happened, on one line."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def sentence(text: str) -> str:
    """On one line, and ended."""
    line = one_line(text)
    return line if line.endswith((".", "?", "!")) else f"{line}."


if __name__ == "__main__":
    main()
