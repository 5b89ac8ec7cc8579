"""Options and texts that several commands share."""

import getpass
import math
from typing import Any

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


class NumberRange(click.FloatRange):
    """A range of numbers. Unlike `FloatRange`, it refuses `nan`, which no comparison finds outside of it, and `inf`."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        converted = super().convert(value, param, ctx)
        if not math.isfinite(converted):
            self.fail(f"{value} is not a number.", param, ctx)
        return converted


fence_seconds_option = click.option(
    "--fence-seconds",
    type=NumberRange(0.1, 30),
    default=2.0,
    show_default=True,
    help="Longest time that writes of a business may wait; a cutover that takes longer is aborted.",
)


def printable(text: str) -> str:
    """Replace characters that a terminal might interpret, in text that users of the product have chosen."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "\ufffd" for sign in text)
