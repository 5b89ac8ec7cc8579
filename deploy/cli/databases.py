"""List, add and drain the databases of the scheduling service."""

import json
import os
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from deploy.cli.database_names import validate_name
from deploy.cli.flag_output import TextOutput
from deploy.cli.options import current_actor, fence_seconds_option, validate_reason
from deploy.cli.replicate import progress_bars
from deploy.control_plane import control_plane, scheduling_databases
from monolith.cutover.registry import database_of, validated
from monolith.cutover.service.database_service import DatabaseStatus, DrainRequest
from monolith.cutover.store.registry import DatabaseEntry
from monolith.cutover.wording import count_of


@click.group()
def databases() -> None:
    """List, add and drain the databases of the scheduling service.

    `scheduling` is the first one; its address is a setting. Each further one, `scheduling-2` and so on, has its own
    deployment of the service. A business is owned by one database at a time, and can be moved between any two.
    """


@databases.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def list_command(as_json: bool) -> None:
    """List the databases with their state, the number of their businesses, and the other database of their pair."""
    with control_plane() as plane:
        found = plane.databases.all()
    if as_json:
        click.echo(json.dumps({"databases": [_to_json(each) for each in found]}, indent=2))
        return
    table = Table("database", "state", box=None, pad_edge=False)
    table.add_column("businesses", justify="right")
    table.add_column("pair with")
    table.add_column("service", overflow="fold")
    for each in found:
        entry = each.entry
        service = entry.service_url or ("" if entry.name == "monolith" else "SCHEDULING_SERVICE_URL")
        table.add_row(entry.name, entry.state, f"{each.businesses:,}", _partner(entry), service)
    Console(highlight=False, width=200).print(table, soft_wrap=True)


@databases.command(short_help="Register a further database of the service.")
@click.argument("name", callback=validate_name)
@click.option(
    "--database-url",
    required=True,
    metavar="URL",
    help="The database past any pooler, without credentials, as the control plane reaches it.",
)
@click.option("--service-url", required=True, metavar="URL", help="The scheduling service that serves this database.")
@click.option(
    "--seen-from-others",
    metavar="HOST:PORT",
    help="Where the servers of the other databases reach this one, if that differs.",
)
@click.option(
    "--secret-setting",
    metavar="NAME",
    help="The variable with the secret of its roles; without it, SCHEDULING_DATABASE_ROLE_SECRET.",
)
@click.option(
    "--with-businesses",
    is_flag=True,
    help="Register it although it owns businesses, as after a restore of the monolith's database to an earlier time; "
    "run `extraction recover` next.",
)
def add(
    name: str,
    database_url: str,
    service_url: str,
    seen_from_others: str | None,
    secret_setting: str | None,
    with_businesses: bool,
) -> None:
    """Register NAME, for example scheduling-2, as a further database of the scheduling service.

    Set it up first, as `extraction db setup scheduling` does for its URL, and start its service and its relay, with
    SCHEDULING_DATABASE_NAME=NAME. From then on new businesses are opened in the database that owns the fewest, once the
    flag requests the adapter http. No process has to be restarted.
    """
    given = DatabaseEntry(
        name,
        database_url=database_url,
        service_url=service_url,
        seen_from_others=seen_from_others,
        secret_setting=secret_setting,
    )
    with control_plane() as plane:
        entry = validated(given, os.environ)
        database = database_of(entry, scheduling_databases().scheduling, os.environ)
        plane.databases.add(entry, database, current_actor(), with_businesses=with_businesses)
    click.echo(f"{name} is registered, and accepts new businesses")


@databases.command(short_help="Move every business of a database elsewhere.")
@click.argument("name", callback=validate_name)
@click.option(
    "--to",
    "target",
    metavar="NAME",
    callback=validate_name,
    help="The target; without it, the databases that own the fewest.",
)
@click.option(
    "--together",
    type=click.IntRange(1, 1000),
    default=500,
    show_default=True,
    help="How many businesses to copy before they are moved one by one.",
)
@fence_seconds_option
@click.option("--reason", default="drain", callback=validate_reason, help="Reason, for the audit log.")
def drain(name: str, target: str | None, together: int, fence_seconds: float, reason: str) -> None:
    """Move every business of the database NAME into other databases of the service, while they are in use.

    New businesses are no longer opened in NAME. The businesses are copied in groups, moved one by one with every check,
    and their rows in NAME are deleted. Repeated after an interruption, the command continues.
    """
    request = DrainRequest(name, current_actor(), reason, target, together, fence_seconds)
    with control_plane() as plane, progress_bars() as report:
        moved = plane.databases.drain(request, report, TextOutput().moved)
    click.echo(f"{count_of(moved)} moved; {name} owns none, and opens no new ones")


@databases.command(short_help="Open new businesses in a drained database again.")
@click.argument("name", callback=validate_name)
@click.option("--reason", default="", callback=validate_reason, help="Reason, for the audit log.")
def activate(name: str, reason: str) -> None:
    """Open new businesses in the database NAME again, after `extraction databases drain`."""
    with control_plane() as plane:
        plane.databases.activate(name, current_actor(), reason)
    click.echo(f"{name} accepts new businesses")


def _partner(entry: DatabaseEntry) -> str:
    if entry.partner is None:
        return ""
    if entry.businesses is None:
        return entry.partner
    return f"{entry.partner} ({count_of(len(entry.businesses))})"


def _to_json(status: DatabaseStatus) -> dict[str, Any]:
    entry = status.entry
    return {
        "name": entry.name,
        "state": entry.state,
        "businesses": status.businesses,
        "partner": entry.partner,
        "service_url": entry.service_url,
    }
