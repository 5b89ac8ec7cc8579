"""`extraction shadow`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from deploy.cli.flag import current_actor, find_business, validate_reason
from deploy.operations import Operations, open_operations
from monolith.cutover.store.shadow_results import ShadowSummary
from monolith.shared.flags.store import SCHEDULING_SHADOW

_NOTHING = "0"
_COLUMNS = ("compared", "different", "failed", "dropped", "owner ms", "candidate ms", "ratio")


@click.group()
def shadow() -> None:
    """Ask both sides a share of the reads, and compare the answers, before businesses are moved.

    Users get the owner's answer and wait for no other. It needs both databases to hold the businesses: see
    `extraction replicate`.
    """


@shadow.command("set")
@click.argument("percent", type=click.FloatRange(0, 100))
@click.option("--business", metavar="SLUG", help="Of this business only, by the short name in its address.")
@click.option("--reason", default="", callback=validate_reason, help="Why; kept in the audit log.")
def set_command(percent: float, business: str | None, reason: str) -> None:
    """Send PERCENT of the reads to the other side too; every process follows within a second. 0 ends it.

    What was set for one business stays when the rest is changed.
    """
    value = f"{percent:g}"
    with open_operations() as operations:
        business_id = None if business is None else find_business(operations, business).business_id
        before = operations.flags.set(
            SCHEDULING_SHADOW, value, business_id=business_id, actor=current_actor(), reason=reason
        )
        others = {} if business is not None else _asked_for(operations)[1]
    whom = business or "every business"
    click.echo(f"{SCHEDULING_SHADOW} of {whom}: {before or _unset(business)} -> {value} %")
    for slug, kept in others.items():
        click.echo(f"{slug} keeps its own {kept} %")


@shadow.command()
@click.option("--since", type=click.IntRange(1), default=60, show_default=True, metavar="MINUTES", help="How far back.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def report(since: int, as_json: bool) -> None:
    """Show what was found, by operation, with the latest difference.

    `failed`: the candidate gave no answer. `dropped`: chosen, but not compared, since too many were under way or the
    owner's own answer was changing. The times are means of compared reads.
    """
    with open_operations() as operations:
        default, overrides = _asked_for(operations)
        found = operations.shadow.since(since)
    if as_json:
        percent = {"default": float(default), "businesses": {slug: float(each) for slug, each in overrides.items()}}
        rows = msgspec.to_builtins(found)
        click.echo(json.dumps({"since_minutes": since, "percent": percent, "operations": rows}, indent=2))
        return
    click.echo(f"{SCHEDULING_SHADOW} = {default} %" + "".join(f", {slug} {each} %" for slug, each in overrides.items()))
    _print(found, since)


def _asked_for(operations: Operations) -> tuple[str, dict[str, str]]:
    """The percentage by default, and those of businesses that have their own, by slug."""
    slugs = {each.business_id: each.slug for each in operations.businesses()}
    flags = {business: value for (key, business), value in operations.flags.read().items() if key == SCHEDULING_SHADOW}
    default = flags.pop(None, _NOTHING)
    return default, dict(sorted((slugs.get(each, str(each)), value) for each, value in flags.items() if each))


def _unset(business: str | None) -> str:
    return _NOTHING if business is None else "as every business"


def _print(found: Sequence[ShadowSummary], since: int) -> None:
    if not found:
        click.echo(f"nothing was shadowed in the last {since} minutes: `extraction shadow set 10` begins it")
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
    click.echo(f"  asked     {example['request']}")
    for place in example["places"]:
        click.echo(f"  at        {place['at'] or 'the top'}")
        click.echo(f"    owner     {place['owner']}")
        click.echo(f"    candidate {place['candidate']}")
    click.echo(f"  owner     {example['owner']}")
    click.echo(f"  candidate {example['candidate']}")
