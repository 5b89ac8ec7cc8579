"""`extraction replicate`."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from deploy.errors import CommandError
from deploy.moving import sides_of_deployment
from monolith.cutover import replication
from monolith.cutover.replication import CopyProgress as Copied
from monolith.cutover.replication import ReplicationRefused, ReplicationStatus

Say = Callable[[Copied], None]


@click.group()
def replicate() -> None:
    """Keep every business in both databases: what a move needs.

    Both directions are replicated by Postgres itself, while the product is used. Which database may write a business is
    another matter: see `extraction flag set` and `extraction cutover`.
    """


@replicate.command()
@click.option("--discard-copies", is_flag=True, help="Delete copies that an earlier replication left, and copy anew.")
@click.option(
    "--allow-unbounded-wal",
    is_flag=True,
    help="Start although a server keeps WAL for a stopped subscriber without limit.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line instead of a progress bar.")
def start(discard_copies: bool, allow_unbounded_wal: bool, as_json: bool) -> None:
    """Copy everything to the other side and go on in both directions. May be repeated: it goes on where it stopped."""
    sides = sides_of_deployment()
    try:
        with _json_lines() if as_json else _bars() as say:
            replication.start(sides, say, discard_copies=discard_copies, allow_unbounded_wal=allow_unbounded_wal)
    except ReplicationRefused as refused:
        raise CommandError(f"nothing was replicated: {refused}") from refused
    if not as_json:
        click.echo("both databases hold everything, and follow one another")


@replicate.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def status(as_json: bool) -> None:
    """Show both directions: what streams, how far behind, how much WAL waits, and what is wrong."""
    found = replication.read_status(sides_of_deployment())
    if as_json:
        click.echo(json.dumps({**msgspec.to_builtins(found), "problems": found.problems}, indent=2))
    else:
        _print(found)
    if found.problems:
        sys.exit(1)


@replicate.command()
def stop() -> None:
    """End replication in both directions. No row of any business changes; nothing can be moved until it is started."""
    left = replication.stop(sides_of_deployment())
    if left:
        raise CommandError("; ".join(left))
    click.echo("nothing is replicated any more")


@contextmanager
def _bars() -> Iterator[Say]:
    """One bar for each direction, and how long it may take yet."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:,.0f} of {task.total:,.0f} rows"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks = {}

        def say(copied: Copied) -> None:
            if copied.direction not in tasks:
                tasks[copied.direction] = progress.add_task(copied.direction, total=1, left="")
            left = copied.seconds_left
            if copied.ready:
                words = f"ready after {copied.seconds:.0f} s"
            elif left is None:
                words = f"{copied.tables_ready} of {copied.tables} tables ready"
            else:
                words = f"{copied.bytes / 1e6:,.0f} MB, about {left:.0f} s left"
            total = max(copied.all_rows, 1)
            progress.update(
                tasks[copied.direction], total=total, completed=total if copied.ready else copied.rows, left=words
            )

        yield say


@contextmanager
def _json_lines() -> Iterator[Say]:
    def say(copied: Copied) -> None:
        line = {**msgspec.to_builtins(copied), "ready": copied.ready, "seconds_left": copied.seconds_left}
        click.echo(json.dumps(line))

    yield say


def _print(found: ReplicationStatus) -> None:
    table = Table("direction", "state", box=None, pad_edge=False)
    for column in ("behind", "WAL kept", "WAL left", "errors"):
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
