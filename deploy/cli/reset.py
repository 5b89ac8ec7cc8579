"""Undo the extraction: move everything back to the monolith."""

import click

from deploy.cli.flag_output import TextOutput
from deploy.cli.options import current_actor, validate_reason
from deploy.control_plane import control_plane
from deploy.errors import CommandError


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
@click.option("--reason", default="reset", callback=validate_reason, help="Reason, for the audit log.")
def reset(yes: bool, reason: str) -> None:
    """Return to the state before the extraction: every business in the monolith, and no replication.

    Businesses are moved back one by one, with every check, while they are in use; then replication ends and the
    service's copies are deleted. No data of any business is lost.
    """
    if not yes and not click.confirm("Move every business back to the monolith, and end replication?"):
        raise CommandError("nothing was changed")
    with control_plane() as plane:
        plane.extraction.reset(current_actor(), reason, TextOutput().moved)
    click.echo("every business is in the monolith; nothing is replicated, and the service holds no copies")
