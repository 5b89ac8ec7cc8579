"""`extraction status`."""

import json
from uuid import UUID

import click
from rich.console import Console
from rich.table import Table

from contracts.scheduling.values import DatabaseName
from deploy.operations import Operations, open_operations
from monolith.cutover.inventory import BusinessInventory
from monolith.modules.scheduling.ownership import Ownership
from monolith.shared.endpoints import BusinessRef

Row = dict[str, str | int | None]
Held = dict[DatabaseName, dict[UUID, BusinessInventory] | None]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def status(as_json: bool) -> None:
    """Show, per business, who owns it, since which epoch, and how much it holds there."""
    with open_operations() as operations:
        rows = _rows(operations)
    if as_json:
        click.echo(json.dumps({"businesses": rows}, indent=2))
    else:
        _print(rows)


def _rows(operations: Operations) -> list[Row]:
    owners = operations.owners()
    held: Held = {"monolith": operations.inventory("monolith"), "scheduling": operations.inventory("scheduling")}
    return [_row(business, owners.get(business.business_id), held) for business in operations.businesses()]


def _row(business: BusinessRef, owner: Ownership | None, held: Held) -> Row:
    row: Row = {"business": business.slug, "owner": None, "epoch": None, "state": "not opened yet"}
    if owner is None:
        return row
    row |= {"owner": owner.owner, "epoch": owner.epoch}
    holdings = held[owner.owner]
    if holdings is None:
        return row | {"state": "the owner's database does not answer"}
    holding = holdings.get(business.business_id)
    if holding is None:
        return row
    return row | {
        "state": "active" if holding.lease_active else "no lease",
        "offerings": holding.offerings,
        "providers": holding.providers,
        "booked": holding.booked,
        "cancelled": holding.cancelled,
    }


def _print(rows: list[Row]) -> None:
    if not rows:
        click.echo("there are no businesses yet")
        return
    columns = ("business", "owner", "epoch", "state", "offerings", "providers", "booked", "cancelled")
    table = Table(box=None, pad_edge=False)
    for column in columns:
        words = column in ("business", "owner", "state")
        table.add_column(column, justify="left" if words else "right", no_wrap=True, min_width=_widest(rows, column))
    for row in rows:
        table.add_row(*("" if row.get(column) is None else str(row[column]) for column in columns))
    Console(highlight=False, width=200).print(table, soft_wrap=True)


def _widest(rows: list[Row], column: str) -> int:
    """Nothing is cut, however narrow the terminal: the output is read by programs too."""
    return max(len(column), *(len(str(row.get(column, ""))) for row in rows))
