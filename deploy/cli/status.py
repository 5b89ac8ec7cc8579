"""Show the owner of each business, and how much it holds."""

import json

import click
import psycopg
from rich.console import Console
from rich.table import Table

from deploy.control_plane import control_plane, scheduling_databases
from deploy.errors import CommandError
from monolith.cutover.service.directory import BusinessStatus

Row = dict[str, str | int | None]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def status(as_json: bool) -> None:
    """Show each business with its owner, the epoch of its ownership, and what the owner's database holds."""
    with control_plane() as plane:
        databases = scheduling_databases()
        urls = {name: databases.at(name).url_as("scheduling_operator") for name in databases.names}
        try:
            rows = [_row(each) for each in plane.directory.statuses(urls)]
        except psycopg.errors.UndefinedTable as error:
            raise CommandError(
                "a database is not migrated: run `extraction db setup monolith` and `extraction db setup scheduling`"
            ) from error
    if as_json:
        click.echo(json.dumps({"businesses": rows}, indent=2))
    else:
        _print(rows)


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


def _print(rows: list[Row]) -> None:
    if not rows:
        click.echo("there are no businesses yet")
        return
    columns = ("business", "owner", "epoch", "state", "offerings", "providers", "booked", "cancelled")
    table = Table(box=None, pad_edge=False)
    for column in columns:
        is_text = column in ("business", "owner", "state")
        table.add_column(column, justify="left" if is_text else "right", no_wrap=True, min_width=_width(rows, column))
    for row in rows:
        table.add_row(*("" if row.get(column) is None else str(row[column]) for column in columns))
    Console(highlight=False, width=200).print(table, soft_wrap=True)


def _width(rows: list[Row], column: str) -> int:
    """The widest cell. Nothing is truncated on a narrow terminal, since programs read the output too."""
    return max(len(column), *(len(str(row.get(column, ""))) for row in rows))
