"""Complete the extraction permanently, after everything has moved."""

import click

from deploy.cli.options import current_actor
from deploy.control_plane import control_plane
from deploy.errors import CommandError

_CONFIRMATION = "there is no way back"


@click.command()
@click.option("--confirm", metavar="TEXT", help=f'Confirm without a prompt: "{_CONFIRMATION}".')
def finalize(confirm: str | None) -> None:
    """Complete the extraction: every business stays with the service, and the monolith's copies are deleted.

    Compares every business once more, ends replication, and deletes scheduling's rows in the monolith's database.
    Afterwards the way back is refused until `extraction replicate start --after-finalize` makes a new first copy.
    """
    if confirm is None:
        click.echo("This ends replication and deletes scheduling's rows in the monolith's database.")
        confirm = click.prompt(f"Type '{_CONFIRMATION}' to continue", default="", show_default=False)
    if confirm.strip().strip(".'\"").lower() != _CONFIRMATION:
        raise CommandError("nothing was changed: the confirmation was not typed")
    with control_plane() as plane:
        deleted = plane.extraction.finalize(current_actor(), click.echo)
    click.echo(f"{deleted:,} rows of copies deleted; every business is owned by scheduling alone")
