"""Show the owner of each business, and how much it holds."""

import json
from collections.abc import Sequence

import click
import psycopg
from rich.console import Console
from rich.table import Table

from deploy.control_plane import control_plane, scheduling_databases
from deploy.errors import CommandError
from monolith.cutover.service.directory import BusinessStatus

Row = dict[str, str | int | None]
COLUMNS = ("business", "owner", "epoch", "state", "offerings", "providers", "booked", "cancelled")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
@click.option("--console", metavar="URL", help="Ask the console at this address instead of the databases.")
@click.option("--email", help="With --console: the account of a viewer or an operator.")
def status(as_json: bool, console: str | None, email: str | None) -> None:
    """Show each business with its owner, the epoch of its ownership, and what the owner's database holds.

    That takes the secret of the deployment, with which everything can be changed. With --console, an account of a
    viewer is enough; it shows a sentence about each business in place of what its database holds.
    """
    if (console is None) != (email is None):
        raise click.UsageError("give both --console and --email, or neither")
    rows, columns = (_stored(), COLUMNS) if console is None else _told(console, email or "")
    if as_json:
        click.echo(json.dumps({"businesses": rows}, indent=2))
    else:
        _print(rows, columns)


def _told(console: str, email: str) -> tuple[list[Row], Sequence[str]]:
    from deploy.cli import console_client

    return console_client.read_businesses(console, email), console_client.COLUMNS


def _stored() -> list[Row]:
    with control_plane() as plane:
        databases = scheduling_databases()
        urls = {name: databases.at(name).url_as("scheduling_operator") for name in databases.names}
        try:
            return [_row(each) for each in plane.directory.statuses(urls)]
        except psycopg.errors.UndefinedTable as error:
            raise CommandError(
                "a database is not migrated: run `extraction db setup monolith` and `extraction db setup scheduling`"
            ) from error


def _row(each: BusinessStatus) -> Row:
    row: Row = {"business": each.slug, "owner": None, "epoch": None, "state": each.state}
    if each.owner is not None:
        row |= {"owner": each.owner.owner, "epoch": each.owner.epoch}
    if each.held is not None:
        held = each.held
        row |= {
            "offerings": held.offerings,
            "providers": held.providers,
            "booked": held.booked,
            "cancelled": held.cancelled,
        }
    return row


def _print(rows: list[Row], columns: Sequence[str]) -> None:
    if not rows:
        click.echo("there are no businesses yet")
        return
    table = Table(box=None, pad_edge=False)
    for column in columns:
        is_text = column in ("business", "owner", "state", "sentence")
        table.add_column(column, justify="left" if is_text else "right", no_wrap=True, min_width=_width(rows, column))
    for row in rows:
        table.add_row(*("" if row.get(column) is None else str(row[column]) for column in columns))
    Console(highlight=False, width=200).print(table, soft_wrap=True)


def _width(rows: list[Row], column: str) -> int:
    """The widest cell. Nothing is truncated on a narrow terminal, since programs read the output too."""
    return max(len(column), *(len(str(row.get(column, ""))) for row in rows))
