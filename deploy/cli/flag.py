"""`extraction flag`."""

import getpass
from functools import partial
from typing import Any, cast, get_args

import click
from rich.console import Console
from rich.table import Table

from contracts.scheduling.values import DatabaseName
from deploy.cli.flag_moves import Order, carry_out, make_default, move_chosen, rehearse, set_default
from deploy.cli.guard_options import guard_options, guarding_from
from deploy.errors import CommandError
from deploy.operations import Operations, open_operations
from monolith.cutover.batches import within_percent
from monolith.shared.endpoints import BusinessRef
from monolith.shared.flags.scheduling_flag import DATABASE_OF, DEFAULT, AdapterName
from monolith.shared.flags.store import SCHEDULING_ADAPTER, AuditEntry

SIDES = get_args(AdapterName)
LONGEST_REASON = 200


def validate_reason(_: click.Context, __: click.Parameter, reason: str) -> str:
    """For the option `--reason` of whatever is audited."""
    line = " ".join(reason.split())
    if len(line) > LONGEST_REASON or not line.isprintable():
        raise click.BadParameter(f"say it in one line of at most {LONGEST_REASON} characters")
    return line


@click.group()
def flag() -> None:
    """Show or set which side of the extraction serves which business.

    `in_process` is the monolith's own database; `http` is the scheduling service's.
    """


@flag.command()
def show() -> None:
    """Show the flag, and its latest changes with who, when and why."""
    with open_operations() as operations:
        flags = operations.flags.read()
        click.echo(f"{SCHEDULING_ADAPTER} = {flags.get((SCHEDULING_ADAPTER, None), DEFAULT)}")
        changes = [c for c in operations.flags.changes() if c.subject.split()[0] == SCHEDULING_ADAPTER]
    if changes:
        table = Table("when (UTC)", "who", "from", "to", box=None, pad_edge=False)
        table.add_column("why", overflow="fold")
        for c in changes:
            before, after = _change(c)
            table.add_row(f"{c.recorded_at:%Y-%m-%d %H:%M:%S}", c.actor, before, after, c.reason)
        Console(highlight=False).print(table, soft_wrap=True)


def _change(entry: AuditEntry) -> tuple[str, str]:
    """The flag's value before and after; the action alone for an entry that is no change of the flag."""
    return (entry.before or DEFAULT, entry.after) if entry.action == "flag.set" else ("", entry.action)


@flag.command("set")
@click.argument("side", type=click.Choice(SIDES))
@click.option("--business", metavar="SLUG", help="Move one business, by the short name in its address.")
@click.option("--all", "every", is_flag=True, help="Move every business, and create new ones on SIDE.")
@click.option(
    "--percent", type=click.FloatRange(0, 100), help="With --all: this share of the businesses, the same each time."
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="With --all: how many before all are compared.",
)
@click.option(
    "--fence-seconds",
    type=click.FloatRange(0.1, 30),
    default=2.0,
    show_default=True,
    help="The longest that writes of a business may have to wait; a move that takes longer is aborted.",
)
@guard_options
@click.option("--dry-run", is_flag=True, help="Check everything, move nothing, and say how long writes would wait.")
@click.option("--reason", default="", callback=validate_reason, help="Why; kept in the audit log.")
def set_command(
    side: str,
    business: str | None,
    every: bool,
    percent: float | None,
    batch: int,
    fence_seconds: float,
    dry_run: bool,
    reason: str,
    **guard: Any,
) -> None:
    """Create new businesses on SIDE from now on; or move businesses that exist, while they are used.

    Without --business or --all only the default changes: every process follows within a second, and businesses that
    exist stay where they are. A move needs replication, see `extraction replicate`.
    """
    if business is not None and every:
        raise click.UsageError("--business and --all exclude one another.")
    if not every and (percent is not None):
        raise click.UsageError("--percent needs --all.")
    for name, given in (("--dry-run", dry_run), ("--guard", guard["guard"])):
        if given and not (business or every):
            raise click.UsageError(f"{name} needs --business or --all.")
    to = cast(AdapterName, side)
    order = Order(DATABASE_OF[to], batch, fence_seconds, current_actor(), reason, guarding_from(**guard))
    with open_operations() as operations:
        if business is None and not every:
            _say_default(to, set_default(operations, to, current_actor(), reason))
            return
        chosen = partial(_chosen, operations, order.target, business, every, percent)
        move = rehearse if dry_run else partial(carry_out, operations)
        if not move_chosen(move, order, chosen()):
            click.echo(f"{business or 'every business asked for'} is owned by {order.target} already; nothing to do")
        if every and percent is None and not dry_run:
            _say_default(to, make_default(operations, order, chosen))


def _say_default(side: AdapterName, before: str) -> None:
    click.echo(f"{SCHEDULING_ADAPTER}: {before} -> {side}; new businesses are created there from now on")


def _chosen(
    operations: Operations, target: DatabaseName, slug: str | None, every: bool, percent: float | None
) -> list[BusinessRef]:
    """Those that are asked for and owned by the other side, by slug."""
    asked = [find_business(operations, slug)] if slug is not None else list(operations.businesses() if every else ())
    if percent is not None:
        asked = [each for each in asked if within_percent(each.business_id, percent)]
    owners = operations.owners()
    return [each for each in asked if each.business_id in owners and owners[each.business_id].owner != target]


def find_business(operations: Operations, slug: str) -> BusinessRef:
    """Raises CommandError."""
    found = operations.business(slug)
    if found is None:
        raise CommandError(f"there is no business {slug!r}: `extraction status` lists them")
    return found


def current_actor() -> str:
    """As the audit log names whoever runs the command."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli:unknown"
