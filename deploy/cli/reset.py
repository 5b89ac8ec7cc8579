"""`extraction reset`."""

import click

from deploy.cli.flag_moves import Order, carry_out
from deploy.errors import SurroundingsError
from deploy.moving import open_moving, sides_of_deployment
from deploy.operations import open_operations
from monolith.cutover import ending, replication
from monolith.shared.flags.store import SCHEDULING_ADAPTER


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Bring everything back to before the extraction: every business in the monolith, nothing replicated.

    Businesses are moved back one by one, with every guard rail, while they are used; then replication ends and the
    service's copies are deleted. Nothing of any business is lost.
    """
    if not yes and not click.confirm("Move every business back to the monolith, and end replication?"):
        raise SurroundingsError("nothing was changed")
    with open_operations() as operations:
        owners = operations.owners()
        moved_out = [
            each
            for each in operations.businesses()
            if each.business_id in owners and owners[each.business_id].owner == "http"
        ]
        operations.flags.set(SCHEDULING_ADAPTER, "in_process", business_id=None, actor="cli:reset", reason="reset")
        for each in moved_out:
            operations.flags.set(
                SCHEDULING_ADAPTER, "in_process", business_id=each.business_id, actor="cli:reset", reason="reset"
            )
    if moved_out:
        with open_moving() as moving:
            carry_out(moving, Order("in_process", moved_out, 10, 2.0, "cli:reset", "reset"))
    sides = sides_of_deployment()
    left = replication.stop(sides)
    if left:
        raise SurroundingsError("; ".join(left))
    ending.discard_copies(sides, "http", lambda line: None)
    click.echo("every business is in the monolith; nothing is replicated, and the service holds no copies")
