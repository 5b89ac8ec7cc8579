"""Compare a share of the reads in both databases."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from deploy.cli.options import NumberRange, current_actor, validate_reason
from deploy.control_plane import control_plane
from monolith.cutover.store.shadow_results import ShadowSummary
from monolith.shared.flags.store import SCHEDULING_SHADOW

_COLUMNS = ("compared", "different", "failed", "dropped", "owner ms", "candidate ms", "ratio")


@click.group()
def shadow() -> None:
    """Send a share of the reads to both databases and compare the replies, before businesses are moved.

    Users receive the owner's reply and never wait for the other one. Both databases must hold the businesses: see
    `extraction replicate`.
    """


@shadow.command("set", short_help="Set the percentage of reads to compare.")
@click.argument("percent", type=NumberRange(0, 100))
@click.option("--business", metavar="SLUG", help="Set it for this business only, named by the slug in its address.")
@click.option("--reason", default="", callback=validate_reason, help="Reason, for the audit log.")
def set_command(percent: float, business: str | None, reason: str) -> None:
    """Compare PERCENT of the reads; every process follows within a second. 0 turns shadow reads off.

    Above 0 it needs replication: see `extraction replicate`. A percentage set for one business stays when
    the default changes.
    """
    with control_plane() as plane:
        business_id = None if business is None else plane.directory.find(business).business_id
        before = plane.shadow.set(percent, business_id, actor=current_actor(), reason=reason)
        overrides = {} if business is not None else plane.shadow.read(plane.directory.slugs()).overrides
    scope, unset = ("every business", "0") if business is None else (business, "as every business")
    click.echo(f"{SCHEDULING_SHADOW} of {scope}: {before or unset} -> {percent:g} %")
    for slug, value in overrides.items():
        click.echo(f"{slug} keeps its own {value} %")


@shadow.command(short_help="Show the comparisons by operation.")
@click.option(
    "--since", type=click.IntRange(1), default=60, show_default=True, metavar="MINUTES", help="Period to report."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def report(since: int, as_json: bool) -> None:
    """Show the comparisons by operation, with the latest difference of each.

    `failed`: the candidate did not reply. `dropped`: selected, but not compared, because the queue was full or the
    owner's own reply was changing. The times are means over the compared reads.
    """
    with control_plane() as plane:
        default, overrides = plane.shadow.read(plane.directory.slugs())
        found = plane.shadow_results.since(since)
    if as_json:
        percent = {"default": float(default), "businesses": {slug: float(each) for slug, each in overrides.items()}}
        rows = msgspec.to_builtins(found)
        click.echo(json.dumps({"since_minutes": since, "percent": percent, "operations": rows}, indent=2))
        return
    click.echo(f"{SCHEDULING_SHADOW} = {default} %" + "".join(f", {slug} {each} %" for slug, each in overrides.items()))
    _print(found, since, is_on=any(float(each) > 0 for each in (default, *overrides.values())))


def _print(found: Sequence[ShadowSummary], since: int, *, is_on: bool) -> None:
    if not found:
        remedy = "results are stored every few seconds" if is_on else "`extraction shadow set 10` turns shadow reads on"
        click.echo(f"no read was compared in the last {since} minutes: {remedy}")
        return
    table = Table("operation", box=None, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for each in found:
        counts = (each.compared, each.different, each.failed, each.dropped)
        means = (_number(each.owner_ms), _number(each.candidate_ms), _number(each.ratio, 2))
        table.add_row(each.operation, *(f"{count:,}" for count in counts), *means)
    Console(highlight=False, width=200).print(table, soft_wrap=True)
    for each in found:
        if each.example is not None:
            _print_example(each.example)


def _number(value: float | None, digits: int = 1) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def _print_example(example: Mapping[str, Any]) -> None:
    click.echo(f"\n{example['operation']} of business {example['business_id']}, owned by {example['owner_side']}")
    click.echo(f"  request   {example['request']}")
    for field in example["places"]:
        click.echo(f"  at        {field['at'] or 'the top'}")
        click.echo(f"    owner     {field['owner']}")
        click.echo(f"    candidate {field['candidate']}")
    click.echo(f"  owner     {example['owner']}")
    click.echo(f"  candidate {example['candidate']}")
