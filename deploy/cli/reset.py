"""`extraction reset`."""

from functools import partial

import click

from deploy.cli.flag_moves import Order, carry_out, make_default, move_chosen
from deploy.errors import CommandError
from deploy.moving import sides_of_deployment
from deploy.operations import Operations, open_operations
from monolith.cutover import finalize, replication
from monolith.shared.endpoints import BusinessRef


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Bring everything back to before the extraction: every business in the monolith, nothing replicated.

    Businesses are moved back one by one, with every guard rail, while they are used; then replication ends and the
    service's copies are deleted. Nothing of any business is lost.
    """
    if not yes and not click.confirm("Move every business back to the monolith, and end replication?"):
        raise CommandError("nothing was changed")
    order = Order("monolith", 10, 2.0, "cli:reset", "reset")
    with open_operations() as operations:
        move_chosen(partial(carry_out, operations), order, _owned_by_service(operations))
        make_default(operations, order, partial(_owned_by_service, operations))
    sides = sides_of_deployment()
    left = replication.stop(sides)
    if left:
        raise CommandError("; ".join(left))
    finalize.discard_copies(sides, "scheduling", lambda line: None)
    click.echo("every business is in the monolith; nothing is replicated, and the service holds no copies")


def _owned_by_service(operations: Operations) -> list[BusinessRef]:
    owners = operations.owners()
    return [
        each
        for each in operations.businesses()
        if each.business_id in owners and owners[each.business_id].owner == "scheduling"
    ]
