"""`extraction flag`."""

import getpass
from typing import cast, get_args

import click
from rich.console import Console
from rich.table import Table

from contracts.scheduling.values import Side
from deploy.errors import SurroundingsError
from deploy.operations import Operations, open_operations
from monolith.shared.endpoints import BusinessRef
from monolith.shared.flags.scheduling_flag import DEFAULT
from monolith.shared.flags.store import SCHEDULING_ADAPTER

SIDES = get_args(Side)
LONGEST_REASON = 200


def _one_short_line(_: click.Context, __: click.Parameter, reason: str) -> str:
    line = " ".join(reason.split())
    if len(line) > LONGEST_REASON or not line.isprintable():
        raise click.BadParameter(f"say it in one line of at most {LONGEST_REASON} characters")
    return line


@click.group()
def flag() -> None:
    """Show or set which side of the extraction new businesses are created on.

    `in_process` is the monolith's own database; `http` is the scheduling service's.
    """


@flag.command()
def show() -> None:
    """Show the flag, and its latest changes with who, when and why."""
    with open_operations() as operations:
        flags = operations.flags.read()
        click.echo(f"{SCHEDULING_ADAPTER} = {flags.get((SCHEDULING_ADAPTER, None), DEFAULT)}")
        changes = [c for c in operations.flags.changes() if c.action == "flag.set"]
    if changes:
        table = Table("when (UTC)", "who", "from", "to", box=None, pad_edge=False)
        table.add_column("why", overflow="fold")
        for c in changes:
            table.add_row(f"{c.recorded_at:%Y-%m-%d %H:%M:%S}", c.actor, c.before or DEFAULT, c.after, c.reason)
        Console(highlight=False).print(table, soft_wrap=True)


@flag.command("set")
@click.argument("side", type=click.Choice(SIDES))
@click.option("--business", metavar="SLUG", help="One business, by the short name in its address.")
@click.option("--reason", default="", callback=_one_short_line, help="Why; kept in the audit log.")
def set_command(side: str, business: str | None, reason: str) -> None:
    """Create new businesses on SIDE from now on.

    Every process follows within a second. Businesses that exist stay where they are.
    """
    with open_operations() as operations:
        if business is not None:
            _require_in_place(operations, _business(operations, business), cast(Side, side))
            return
        before = operations.flags.set(SCHEDULING_ADAPTER, side, business_id=None, actor=_who(), reason=reason)
    click.echo(f"{SCHEDULING_ADAPTER}: {before or DEFAULT} -> {side}; new businesses are created there from now on")


def _require_in_place(operations: Operations, business: BusinessRef, side: Side) -> None:
    """Say that the business is there already; or that it cannot move yet, with nothing changed."""
    owner = operations.owners().get(business.business_id)
    if owner is None or owner.owner == side:
        click.echo(f"{business.slug} is owned by {side} already; nothing to do")
        return
    raise SurroundingsError(
        f"{business.slug} is owned by {owner.owner}, and moving an existing business comes with the "
        f"cutover, which this version does not have: nothing was changed. "
        f"New businesses follow `extraction flag set {side}`"
    )


def _business(operations: Operations, slug: str) -> BusinessRef:
    found = operations.business(slug)
    if found is None:
        raise SurroundingsError(f"there is no business {slug!r}: `extraction status` lists them")
    return found


def _who() -> str:
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli:unknown"
