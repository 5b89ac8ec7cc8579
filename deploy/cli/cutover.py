"""Follow, abort or resume cutovers."""

import json
import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from deploy.cli.options import NumberRange, current_actor, printable, validate_reason
from deploy.control_plane import control_plane
from monolith.cutover.service import write_pause_ms
from monolith.cutover.service.wording import describe_outcome
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.store.rollback_policies import PolicyStatus

Slugs = Mapping[UUID, str]


@click.group()
def cutover() -> None:
    """Follow cutovers of businesses from one database to the other, abort one, or resume one.

    `extraction flag set ADAPTER --business SLUG` begins a cutover.
    """


@cutover.command(short_help="Show the latest cutovers and guarded businesses.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many cutovers to show.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def status(limit: int, as_json: bool) -> None:
    """Show the latest cutovers, those under way first, and the guarded businesses."""
    with control_plane() as plane:
        found, guarded = plane.cutovers.latest(limit), plane.cutovers.observed()
        slugs = plane.directory.slugs()
    if as_json:
        content = {
            "moves": [_cutover_to_json(each, slugs) for each in found],
            "guards": [_guard_to_json(each, slugs) for each in guarded],
        }
        click.echo(json.dumps(content, indent=2))
        return
    _print(found, slugs)
    for each in guarded:
        click.echo(_format_guard(each, slugs))


@cutover.command(short_help="Print each state change of every cutover.")
@click.option("--seconds", type=NumberRange(0.1), default=None, help="How long to watch; the default is forever.")
def watch(seconds: float | None) -> None:
    """Print each state change of every cutover as it happens, one per line."""
    until = None if seconds is None else time.monotonic() + seconds
    with control_plane() as plane:
        for transition in plane.cutovers.transitions():
            if transition is not None:
                found = json.dumps(transition.found) if transition.found else ""
                click.echo(f"{transition.at[:23]}  {transition.slug}  {transition.state}  {found}".rstrip())
            elif until is not None and time.monotonic() >= until:
                return


@cutover.command()
@click.argument("business", metavar="SLUG")
@click.option(
    "--reason",
    default="an operator aborted it",
    callback=validate_reason,
    help="Reason, for the cutover's record and the audit log.",
)
def abort(business: str, reason: str) -> None:
    """Abort the cutover of a business: it stays where it was. A decided cutover cannot be aborted."""
    with control_plane() as plane:
        click.echo(f"{business}: {describe_outcome(plane.cutovers.abort(business, reason, actor=current_actor()))}")


@cutover.command(short_help="Resume the cutover of a business.")
@click.argument("business", metavar="SLUG")
def resume(business: str) -> None:
    """Resume the cutover of a business from the state in which its controller stopped."""
    with control_plane() as plane:
        click.echo(f"{business}: {describe_outcome(plane.cutovers.resume(business, actor=current_actor()))}")


def _cutover_to_json(each: Cutover, slugs: Slugs) -> dict[str, Any]:
    pause = write_pause_ms(each)
    return {
        "business": _slug(each.business_id, slugs),
        "cutover_id": str(each.cutover_id),
        "from": each.source,
        "to": each.target,
        "state": each.state,
        "settled": each.settled_at is not None,
        "began_at": each.began_at.isoformat(),
        "pause_ms": None if pause is None else round(pause, 1),
        "by": each.actor,
        "reason": each.reason,
        "problem": each.problem,
        "steps": each.steps,
    }


def _guard_to_json(each: PolicyStatus, slugs: Slugs) -> dict[str, Any]:
    return {
        "business": _slug(each.policy.business_id, slugs),
        "goes_back_to": each.policy.home,
        "until": each.policy.until.isoformat(),
        "bound": each.policy.thresholds._asdict(),
        "calls_since_the_move": each.total._asdict(),
        "problem": each.policy.problem,
    }


def _format_guard(each: PolicyStatus, slugs: Slugs) -> str:
    slug, calls = _slug(each.policy.business_id, slugs), each.total
    so_far = f"{calls.calls} calls so far, {calls.failed_share:.1%} failed, {calls.slow_share:.1%} slow"
    stuck = f"; the rollback failed: {each.policy.problem}" if each.policy.problem else ""
    return (
        f"{slug} is guarded until {each.policy.until:%H:%M:%S} UTC ({so_far}): {each.policy.thresholds}, "
        f"to {each.policy.home}{stuck}"
    )


def _slug(business_id: UUID, slugs: Slugs) -> str:
    return slugs.get(business_id, str(business_id))


def _print(found: list[Cutover], slugs: Slugs) -> None:
    if not found:
        click.echo("no cutovers yet: start one with `extraction flag set http --business SLUG`")
        return
    table = Table("began (UTC)", "business", "from", "to", "state", box=None, pad_edge=False)
    table.add_column("pause", justify="right")
    table.add_column("reason or problem", overflow="fold")
    for each in found:
        pause, is_final = write_pause_ms(each), each.state in ("active", "aborted")
        table.add_row(
            f"{each.began_at:%Y-%m-%d %H:%M:%S}",
            _slug(each.business_id, slugs),
            each.source,
            each.target,
            f"{each.state}, unsettled" if is_final and not each.settled_at else each.state,
            "" if pause is None else f"{pause:.0f} ms",
            printable(each.problem or each.reason),
        )
    Console(highlight=False, width=200).print(table, soft_wrap=True)
