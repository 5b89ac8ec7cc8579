"""`extraction cutover`."""

import json
import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from deploy.errors import CommandError
from deploy.moving import Moving, open_moving
from deploy.operations import open_operations
from monolith.cutover.rollback.thresholds import RollbackThresholds
from monolith.cutover.states import ABORTABLE
from monolith.cutover.store import cutovers
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.store.rollback_policies import PolicyStatus, active_policies
from monolith.shared.flags.scheduling_flag import ADAPTER_FOR

Slugs = Mapping[UUID, str]


@click.group()
def cutover() -> None:
    """Follow moves of businesses between the two databases, end one, or carry one on.

    `extraction flag set SIDE --business SLUG` begins a move.
    """


@cutover.command()
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many moves to show.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def status(limit: int, as_json: bool) -> None:
    """Show the latest moves, those under way first; and the businesses that are guarded."""
    with open_moving() as moving:
        moves, guarded = _current(moving, limit), active_policies(moving.platform)
        slugs = _slugs()
    if as_json:
        told = {
            "moves": [describe(move, slugs) for move in moves],
            "guards": [describe_guard(each, slugs) for each in guarded],
        }
        click.echo(json.dumps(told, indent=2))
        return
    _print(moves, slugs)
    for each in guarded:
        click.echo(_guard_in_words(each, slugs))


@cutover.command()
@click.option("--seconds", type=click.FloatRange(0.1), default=None, help="How long to watch; without, until Ctrl-C.")
def watch(seconds: float | None) -> None:
    """Print each transition of every move as it happens, one line each."""
    until = None if seconds is None else time.monotonic() + seconds
    slugs = _slugs()
    with open_moving() as moving:
        known = {move.cutover_id: len(move.steps) for move in cutovers.latest(moving.platform, 200)}
        while until is None or time.monotonic() < until:
            for move in reversed(cutovers.latest(moving.platform, 50)):
                for step in move.steps[known.get(move.cutover_id, 0) :]:
                    found = json.dumps(step["found"]) if step.get("found") else ""
                    click.echo(f"{step['at'][:23]}  {_name(move, slugs)}  {step['state']}  {found}".rstrip())
                known[move.cutover_id] = len(move.steps)
            time.sleep(0.2)


@cutover.command()
@click.argument("business", metavar="SLUG")
@click.option("--reason", default="an operator aborted it", help="Why; kept with the move and in the audit log.")
def abort(business: str, reason: str) -> None:
    """End the move of a business that is under way: it stays where it was. A decided move cannot be aborted."""
    with open_moving() as moving:
        move = _under_way(moving, business)
        if move.state not in ABORTABLE or not cutovers.abort(moving.platform, move, reason):
            state = cutovers.get(moving.platform, move.cutover_id).state
            raise CommandError(
                f"the move of {business} is {state}: it can only be carried on, by "
                f"`extraction cutover resume {business}`; afterwards "
                f"`extraction flag set {ADAPTER_FOR[move.source]} --business {business}` moves it back"
            )
        _report(moving.controller.drive(move.cutover_id), business)


@cutover.command()
@click.argument("business", metavar="SLUG")
def resume(business: str) -> None:
    """Carry on the move of a business from the state in which its controller left it."""
    with open_moving() as moving:
        move = _under_way(moving, business)
        _report(moving.controller.drive(move.cutover_id), business)


def in_words(bound: RollbackThresholds) -> str:
    """As operators read it."""
    return (
        f"goes back when, for {bound.for_seconds:g} s, more than {bound.most_failed:.1%} of its calls fail "
        f"or more than one in twenty take longer than {bound.p95_ms:g} ms"
    )


def pause_ms(move: Cutover) -> float | None:
    """How long nobody could write the business: from the wish to fence it until a lease was active again. None when it
    was never fenced, or still is."""
    at = {step["state"]: datetime.fromisoformat(step["at"]) for step in move.steps}
    end = at.get("active", move.settled_at)
    if "fenced" not in at or end is None:
        return None
    return (end - at["fenced"]).total_seconds() * 1000


def describe(move: Cutover, slugs: Slugs) -> dict[str, Any]:
    """As JSON says it."""
    pause = pause_ms(move)
    return {
        "business": _name(move, slugs),
        "cutover_id": str(move.cutover_id),
        "from": move.source,
        "to": move.target,
        "state": move.state,
        "settled": move.settled_at is not None,
        "began_at": move.began_at.isoformat(),
        "pause_ms": None if pause is None else round(pause, 1),
        "by": move.actor,
        "reason": move.reason,
        "problem": move.problem,
        "steps": move.steps,
    }


def describe_guard(each: PolicyStatus, slugs: Slugs) -> dict[str, Any]:
    """As JSON says it."""
    return {
        "business": slugs.get(each.guard.business_id, str(each.guard.business_id)),
        "goes_back_to": each.guard.home,
        "until": each.guard.until.isoformat(),
        "bound": each.guard.bound._asdict(),
        "calls_since_the_move": each.in_all._asdict(),
        "problem": each.guard.problem,
    }


def _guard_in_words(each: PolicyStatus, slugs: Slugs) -> str:
    slug, calls = slugs.get(each.guard.business_id, str(each.guard.business_id)), each.in_all
    so_far = f"{calls.calls} calls so far, {calls.failed_share:.1%} failed, {calls.slow_share:.1%} slow"
    stuck = f"; should have gone back: {each.guard.problem}" if each.guard.problem else ""
    return (
        f"{slug} is guarded until {each.guard.until:%H:%M:%S} UTC ({so_far}): {in_words(each.guard.bound)}, "
        f"to {each.guard.home}{stuck}"
    )


def _current(moving: Moving, limit: int) -> list[Cutover]:
    latest = cutovers.latest(moving.platform, limit)
    under_way = [move for move in latest if move.settled_at is None]
    return under_way + [move for move in latest if move.settled_at is not None]


def _under_way(moving: Moving, slug: str) -> Cutover:
    with open_operations() as operations:
        business = operations.business(slug)
    if business is None:
        raise CommandError(f"there is no business {slug!r}: `extraction status` lists them")
    moves = cutovers.unsettled(moving.platform, business.business_id)
    if not moves:
        raise CommandError(f"{slug} is not being moved: `extraction cutover status` shows the latest moves")
    return moves[0]


def _slugs() -> Slugs:
    with open_operations() as operations:
        return {business.business_id: business.slug for business in operations.businesses()}


def _name(move: Cutover, slugs: Slugs) -> str:
    return slugs.get(move.business_id, str(move.business_id))


def _report(move: Cutover, slug: str) -> None:
    if move.state == "active":
        click.echo(f"{slug}: moved to {move.target}{_pause(move)}")
    else:
        click.echo(f"{slug}: stays at {move.source} ({move.problem})")


def _pause(move: Cutover) -> str:
    pause = pause_ms(move)
    return "" if pause is None else f"; writes waited at most {pause:.0f} ms"


def _print(moves: list[Cutover], slugs: Slugs) -> None:
    if not moves:
        click.echo("nothing was ever moved: begin with `extraction flag set http --business SLUG`")
        return
    table = Table("began (UTC)", "business", "from", "to", "state", box=None, pad_edge=False)
    table.add_column("pause", justify="right")
    table.add_column("why, or why not", overflow="fold")
    for move in moves:
        pause = pause_ms(move)
        table.add_row(
            f"{move.began_at:%Y-%m-%d %H:%M:%S}",
            _name(move, slugs),
            move.source,
            move.target,
            move.state if move.settled_at or move.state not in ("active", "aborted") else f"{move.state}, unsettled",
            "" if pause is None else f"{pause:.0f} ms",
            move.problem or move.reason,
        )
    Console(highlight=False, width=200).print(table, soft_wrap=True)
