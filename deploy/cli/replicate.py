"""Replicate every business between both databases."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from deploy.cli.database_names import validate_pair
from deploy.cli.db import target_of
from deploy.cli.options import current_actor
from deploy.control_plane import control_plane, scheduling_databases
from monolith.cutover.replication import CopyProgress, ReplicationStatus
from monolith.cutover.service.extraction import EXTRACTION, Between

Report = Callable[[CopyProgress], None]


@click.group()
def replicate() -> None:
    """Keep every business in both databases, as a cutover requires.

    Postgres replicates in both directions while the product is in use. Replication does not decide which database may
    write a business: see `extraction flag set` and `extraction cutover`.
    """


_BETWEEN = click.option(
    "--between",
    nargs=2,
    metavar="NAME NAME",
    default=EXTRACTION,
    callback=validate_pair,
    help="The two databases; without it, monolith and scheduling.",
)


@replicate.command()
@click.option("--discard-copies", is_flag=True, help="Delete the copies of an earlier replication, and copy again.")
@click.option(
    "--allow-unbounded-wal",
    is_flag=True,
    help="Start even if a server retains WAL for a stopped subscriber without limit.",
)
@click.option("--after-finalize", is_flag=True, help="Begin a new extraction although one was finalized.")
@_BETWEEN
@click.option(
    "--business", "slugs", metavar="SLUG", multiple=True, help="Replicate only this business; may be repeated."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line instead of a progress bar.")
def start(
    discard_copies: bool,
    allow_unbounded_wal: bool,
    after_finalize: bool,
    between: Between,
    slugs: tuple[str, ...],
    as_json: bool,
) -> None:
    """Copy everything to the other database, then replicate both ways. Repeated, it continues where it stopped.

    A database replicates with one other at a time.
    """
    with control_plane() as plane, _json_lines() if as_json else progress_bars() as report:
        plane.extraction.start_replication(
            report,
            actor=current_actor(),
            discard_copies=discard_copies,
            allow_unbounded_wal=allow_unbounded_wal,
            after_finalize=after_finalize,
            between=between,
            businesses=[plane.directory.find(slug).business_id for slug in slugs] or None,
        )
    if not as_json:
        held = "these businesses" if slugs else "every business that either owns"
        click.echo(f"both databases hold {held}; replication runs in both directions")


@replicate.command(short_help="Show progress, lag and problems of both directions.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def status(as_json: bool) -> None:
    """Show both directions: streaming or not, lag, retained WAL, and problems. Exits with 1 if there are problems."""
    with control_plane() as plane:
        found = plane.extraction.replication_status()
    if as_json:
        click.echo(json.dumps({**msgspec.to_builtins(found), "problems": found.problems}, indent=2))
    else:
        _print(found)
    if found.problems:
        sys.exit(1)


@replicate.command()
@_BETWEEN
def stop(between: Between) -> None:
    """End replication in both directions. No data changes; no business can be moved until it is started again."""
    with control_plane() as plane:
        plane.extraction.stop_replication(current_actor(), between)
    click.echo(f"replication of {between[0]} and {between[1]} has stopped in both directions")


@replicate.command()
def migrate() -> None:
    """Migrate schema scheduling in both databases while replication runs and the product is in use.

    For additive changes: columns that are nullable or have a constant default, tables, functions, plain indexes. The
    pending migrations are rehearsed in an empty database first; others are refused, and nothing is changed. Start the
    new release's processes afterwards. Repeated after a crash, the command continues.
    """
    from deploy.replicated_migration import migrate_replicated

    pair = scheduling_databases().extraction
    targets = {name: target_of(name) for name in pair.names}
    with control_plane() as plane:
        plane.extraction.require_only_extraction()
        unsettled = sum(each.settled_at is None for each in plane.cutovers.latest(1_000))
        migrate_replicated(targets, pair, unsettled, click.echo)


@replicate.command(short_help="Give the subscriptions the current addresses and passwords.")
def reconnect() -> None:
    """Give the running subscriptions the addresses and passwords with which the servers are reached now.

    Use it after a rotation of passwords or a change of addresses. Nothing is copied again.
    """
    with control_plane() as plane:
        directions = plane.extraction.reconnect_replication()
    if directions:
        click.echo(f"reconnected: {', '.join(directions)}")
    else:
        click.echo("nothing is replicated")


@contextmanager
def progress_bars() -> Iterator[Report]:
    """One bar for each direction, with the estimated time left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} rows"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {}

        def report(copied: CopyProgress) -> None:
            if copied.direction not in tasks:
                tasks[copied.direction] = progress.add_task(copied.direction, total=1, left="")
            left = copied.seconds_left
            if copied.ready:
                text = f"ready after {copied.seconds:.0f} s"
            elif left is None:
                text = f"{copied.tables_ready} of {copied.tables} tables ready"
            else:
                text = f"{copied.bytes / 1e6:,.0f} MB, about {left:.0f} s left"
            total = max(copied.all_rows, 1)
            progress.update(
                tasks[copied.direction], total=total, completed=total if copied.ready else copied.rows, left=text
            )

        yield report


@contextmanager
def _json_lines() -> Iterator[Report]:
    def report(copied: CopyProgress) -> None:
        line = {**msgspec.to_builtins(copied), "ready": copied.ready, "seconds_left": copied.seconds_left}
        click.echo(json.dumps(line))

    yield report


def _print(found: ReplicationStatus) -> None:
    table = Table("direction", "state", box=None, pad_edge=False)
    for column in ("behind", "WAL kept", "WAL left", "errors", "conflicts"):
        table.add_column(column, justify="right")
    table.add_column("tables", overflow="fold")
    for each in found.directions:
        table.add_row(
            each.direction,
            "streaming" if each.streaming else "not streaming" if each.subscribed else "none",
            _bytes(each.lag) if each.subscribed else "",
            _bytes(each.wal_kept) if each.subscribed else "",
            "" if not each.subscribed else "no limit" if each.wal_left is None else _bytes(each.wal_left),
            str(each.apply_errors + each.sync_errors) if each.subscribed else "",
            str(sum(each.conflicts.values())) if each.subscribed else "",
            ", ".join(f"{count} {state}" for state, count in each.tables.items()),
        )
    Console(highlight=False, width=200).print(table, soft_wrap=True)
    for problem in found.problems:
        click.echo(f"! {problem}")


def _bytes(count: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:,.1f} {unit}"
    return f"{count} B"
