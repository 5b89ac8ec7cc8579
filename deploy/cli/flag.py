"""Show or set the scheduling adapter, and move businesses."""

import json
from typing import Any, cast, get_args

import click
from rich.console import Console
from rich.table import Table

from deploy.cli.database_names import validate_name
from deploy.cli.flag_output import JsonOutput, TextOutput
from deploy.cli.guard_options import guard_options, rollback_request
from deploy.cli.options import NumberRange, current_actor, fence_seconds_option, printable, validate_reason
from deploy.control_plane import control_plane
from monolith.cutover.scheduling_flag import DEFAULT, AdapterName, adapter_for
from monolith.cutover.service import BatchStopped, ControlPlane, CutoverRequest, Selection
from monolith.shared.flags.store import SCHEDULING_ADAPTER, AuditEntry


@click.group()
def flag() -> None:
    """Show or set which adapter serves which business.

    `in_process` uses the monolith's own database; `http` uses the scheduling service.
    """


@flag.command(short_help="Show the default adapter and the latest changes.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def show(as_json: bool) -> None:
    """Show the default adapter and the latest changes: who, when and why."""
    with control_plane() as plane:
        default, history, overrides = plane.adapter.default(), plane.adapter.history(), plane.adapter.overrides()
        slugs = {str(business_id): slug for business_id, slug in plane.directory.slugs().items()}
    if as_json:
        businesses = {slugs.get(str(business_id), str(business_id)): each for business_id, each in overrides.items()}
        changes = [{**each._asdict(), "recorded_at": each.recorded_at.isoformat()} for each in history]
        click.echo(json.dumps({"default": default, "businesses": businesses, "history": changes}, indent=2))
        return
    click.echo(f"{SCHEDULING_ADAPTER} = {default}")
    if history:
        table = Table("when (UTC)", "who", "business", "from", "to", box=None, pad_edge=False)
        table.add_column("why", overflow="fold")
        for entry in history:
            business_id = entry.subject.partition("business:")[2]
            business = slugs.get(business_id, business_id) or "(default)"
            when = f"{entry.recorded_at:%Y-%m-%d %H:%M:%S}"
            table.add_row(when, entry.actor, business, *_change(entry, business_id), printable(entry.reason))
        Console(highlight=False, width=200).print(table, soft_wrap=True)


def _change(entry: AuditEntry, business_id: str) -> tuple[str, str]:
    """Return the values before and after; only the action of an entry that does not change the flag."""
    if entry.action != "flag.set":
        return "", entry.action
    return entry.before or ("(default)" if business_id else DEFAULT), entry.after


@flag.command("set", short_help="Set the default adapter, or move businesses.")
@click.argument("adapter", type=click.Choice(get_args(AdapterName)))
@click.option(
    "--database",
    metavar="NAME",
    callback=validate_name,
    help="With http: the database of the service; without it, the least loaded, or that of the pair.",
)
@click.option("--business", metavar="SLUG", help="Move one business, named by the slug in its address.")
@click.option("--all", "every", is_flag=True, help="Move every business, and use the adapter for new ones too.")
@click.option(
    "--percent",
    type=NumberRange(0, 100),
    help="With --all: move only this percentage of the businesses, always the same ones.",
)
@click.option(
    "--batch",
    type=click.IntRange(1),
    default=10,
    show_default=True,
    help="With --all: how many businesses to move before they are compared.",
)
@fence_seconds_option
@guard_options
@click.option("--dry-run", is_flag=True, help="Run every check, move nothing, and estimate how long writes would wait.")
@click.option("--reason", default="", callback=validate_reason, help="Reason, for the audit log.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def set_command(
    adapter: str,
    database: str | None,
    business: str | None,
    every: bool,
    percent: float | None,
    batch: int,
    fence_seconds: float,
    dry_run: bool,
    reason: str,
    as_json: bool,
    **guard: Any,
) -> None:
    """Use in_process or http for new businesses from now on; or move existing businesses while they are in use.

    Without --business or --all only the default changes: every process follows within a second, and existing
    businesses stay where they are. A move needs replication: see `extraction replicate`.
    """
    if business is not None and every:
        raise click.UsageError("--business and --all exclude one another.")
    if not every and percent is not None:
        raise click.UsageError("--percent needs --all.")
    for name, given in (("--dry-run", dry_run), ("--guard", guard["guard"])):
        if given and not (business or every):
            raise click.UsageError(f"{name} needs --business or --all.")
    if database is not None and adapter_for(database) != adapter:
        raise click.UsageError(f"--database {database} needs the adapter {adapter_for(database)}.")
    value = adapter if database is None or database == "monolith" else f"{adapter}:{database}"
    rollback = rollback_request(**guard)
    output = JsonOutput() if as_json else TextOutput()
    with control_plane() as plane:
        if database is not None:
            plane.databases.require(database)
        if business is None and not every:
            output.default(value, plane.adapter.set_default(value, actor=current_actor(), reason=reason))
        else:
            target = database or plane.cutovers.target_of(cast(AdapterName, adapter), business)
            request = CutoverRequest(target, current_actor(), reason, batch, fence_seconds, rollback, default=value)
            (_rehearse if dry_run else _cut_over)(plane, request, Selection(business, percent), output)


def _rehearse(plane: ControlPlane, request: CutoverRequest, selection: Selection, output: TextOutput) -> None:
    found = False
    for rehearsal in plane.cutovers.rehearse(request, selection):
        found = True
        output.rehearsed(request, rehearsal)
    if not found:
        output.finished(request, selection, moved=0)


def _cut_over(plane: ControlPlane, request: CutoverRequest, selection: Selection, output: TextOutput) -> None:
    try:
        summary = plane.cutovers.cut_over(request, selection, output.moved)
    except BatchStopped as stopped:
        output.guarded(request, stopped.moved)
        raise
    except KeyboardInterrupt:
        click.echo("interrupted: the cutover daemon ends what is under way; see `extraction cutover status`", err=True)
        raise
    output.guarded(request, summary.moved)
    output.finished(request, selection, summary.moved)
    if summary.former_default is not None:
        output.default(request.default or adapter_for(request.target), summary.former_default)
