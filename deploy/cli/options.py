"""Options and texts that several commands share."""

import getpass

import click

LONGEST_REASON = 200


def validate_reason(_: click.Context, __: click.Parameter, reason: str) -> str:
    """Callback for `--reason`: the audit log takes one printable line."""
    line = " ".join(reason.split())
    if len(line) > LONGEST_REASON or not line.isprintable():
        raise click.BadParameter(f"give one line of at most {LONGEST_REASON} characters")
    return line


def current_actor() -> str:
    """The name of the operating-system user, as the audit log records it."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli:unknown"
