"""Continue after a restore or a failover, once all is compared."""

import json
import sys
from contextlib import nullcontext
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from deploy.cli.database_names import validate_choice
from deploy.cli.options import current_actor, validate_reason
from deploy.control_plane import control_plane
from deploy.errors import CommandError
from monolith.cutover.recovery import BusinessPlan, Choice, Evidence, RecoveryPlan
from monolith.cutover.service import ControlPlane

_EFFECTS = {
    "confirm": "confirm {owner} in epoch {epoch}",
    "activate": "activate {owner} in epoch {epoch}",
    "record": "record {owner} as the owner, in epoch {epoch}",
    "switch": "make {owner} the owner, in epoch {epoch}",
    "wait": "leave it fenced, until --keep chooses",
    "closed": "nothing: the owner has not opened it yet",
    "unknown": "keep its rows, without an owner",
}


@click.command()
@click.option(
    "--dry-run", is_flag=True, help="Only say what was found and what would be done; fence and change nothing."
)
@click.option(
    "--fence", is_flag=True, help="Fence and compare although no server seems replaced, as after a volume snapshot."
)
@click.option(
    "--keep",
    metavar="owner|DATABASE",
    callback=validate_choice,
    help="Where the owner lost rows that its copy has: keep the rows of the owner, or those of one database.",
)
@click.option("--business", metavar="SLUG", help="With --keep: choose for one business; the default is all of them.")
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--reason", default="recovery", callback=validate_reason, help="Reason, for the audit log.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; needs --yes or --dry-run.")
def recover(
    dry_run: bool, fence: bool, keep: Choice | None, business: str | None, yes: bool, reason: str, as_json: bool
) -> None:
    """Compare the databases with the record after a restore or a failover, and end the fence.

    A database that was restored, or a standby that was promoted, accepts no writes, and neither do the others,
    until this command has compared leases, decisions and rows. It prints its findings and its plan, and asks.
    Businesses whose owner lost rows stay fenced until --keep chooses. Exits with 1 while a recovery is still required.
    """
    if business is not None and keep is None:
        raise click.UsageError("--business needs --keep.")
    if as_json and not (yes or dry_run):
        raise click.UsageError("--json needs --yes or --dry-run.")
    with control_plane() as plane, nullcontext() if dry_run else plane.recovery.exclusively():
        evidence = plane.recovery.inspect()
        if not evidence.needs_recovery and not fence:
            _print_nothing_to_do(evidence, as_json)
            return
        if not dry_run:
            evidence = plane.recovery.fence()
        plan = plane.recovery.plan(evidence, _choices(plane, evidence, keep, business))
        slugs = plane.directory.slugs()
        if not as_json:
            _print(evidence, plan, slugs)
        ended = None if dry_run else _apply(plane, evidence, plan, yes=yes, reason=reason)
    if as_json:
        click.echo(json.dumps({**_to_json(evidence, plan, slugs), "replication_ended": ended}, indent=2))
    elif ended is not None:
        _print_result(plan, ended)
    if dry_run or plan.waiting:
        sys.exit(1)


def _choices(plane: ControlPlane, evidence: Evidence, keep: Choice | None, business: str | None) -> dict[UUID, Choice]:
    if keep is None:
        return {}
    chosen = evidence.record if business is None else (plane.directory.find(business).business_id,)
    return dict.fromkeys(chosen, keep)


def _apply(plane: ControlPlane, evidence: Evidence, plan: RecoveryPlan, *, yes: bool, reason: str) -> bool:
    """Return whether replication was ended."""
    if not yes and not click.confirm("Apply this?"):
        raise CommandError("nothing was recorded, and every business stays fenced: repeat `extraction recover`")
    return plane.recovery.apply(evidence, plan, actor=current_actor(), reason=reason)


def _print_nothing_to_do(evidence: Evidence, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"servers": _servers_to_json(evidence), "businesses": []}, indent=2))
    else:
        click.echo("nothing to recover: every server is the one that the record knows, and every lease is valid")


def _print(evidence: Evidence, plan: RecoveryPlan, slugs: dict[UUID, str]) -> None:
    for name, server in evidence.servers.items():
        state = "as recorded" if not server.replaced else f"restored or failed over; the record knows {server.known}"
        void = sum(not lease.valid for lease in server.leases.values())
        click.echo(f"{name}: incarnation {server.incarnation}, {state}; {void} of {len(server.leases)} leases void")
    if evidence.unsettled:
        click.echo(f"{len(evidence.unsettled)} cutovers were in progress: they end here")
    table = Table("business", box=None, pad_edge=False)
    for column in ("found", "will do"):
        table.add_column(column, overflow="fold")
    for each in plan.businesses:
        table.add_row(slugs.get(each.business_id, str(each.business_id)), each.found, _effect(each))
    Console(highlight=False, width=200).print(table, soft_wrap=True)


def _print_result(plan: RecoveryPlan, ended: bool) -> None:
    served = sum(each.is_served for each in plan.businesses)
    click.echo(f"{served} businesses accept writes again")
    if plan.waiting:
        click.echo(f"{len(plan.waiting)} stay fenced: choose their rows with --keep owner, or the name of a database")
    if ended:
        click.echo("replication was ended: start it again with --discard-copies, which copies the businesses again")


def _effect(plan: BusinessPlan) -> str:
    return _EFFECTS[plan.action].format(owner=plan.owner, epoch=plan.epoch)


def _servers_to_json(evidence: Evidence) -> dict[str, Any]:
    return {
        name: {"incarnation": each.incarnation, "known": each.known, "replaced": each.replaced}
        for name, each in evidence.servers.items()
    }


def _to_json(evidence: Evidence, plan: RecoveryPlan, slugs: dict[UUID, str]) -> dict[str, Any]:
    businesses = [
        {
            "business": slugs.get(each.business_id, str(each.business_id)),
            "action": each.action,
            "found": each.found,
            "owner": each.owner,
            "epoch": each.epoch,
        }
        for each in plan.businesses
    ]
    return {"servers": _servers_to_json(evidence), "businesses": businesses}
