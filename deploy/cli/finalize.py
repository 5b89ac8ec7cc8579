"""`extraction finalize`."""

import click

from contracts.scheduling.values import DatabaseName
from deploy.errors import CommandError
from deploy.moving import sides_of_deployment
from monolith.cutover.finalize import FinalizeRefused, finalize_extraction

_WORDS = "there is no way back"


@click.command()
@click.option("--confirm", metavar="WORDS", help=f'For programs: "{_WORDS}", as a person has to type it.')
def finalize(confirm: str | None) -> None:
    """End the extraction for good: every business is with the service, and the monolith's copies go.

    Compares every business once more, ends replication, and deletes the monolith's rows of scheduling. After this no
    business can be moved back without a new first copy.
    """
    if confirm is None:
        click.echo("This ends replication and deletes scheduling's rows in the monolith's database.")
        confirm = click.prompt(f"Type '{_WORDS}' to go on", default="", show_default=False)
    if confirm.strip().strip(".'\"").lower() != _WORDS:
        raise CommandError("nothing was changed: the words were not typed")
    _end("scheduling")


def _end(side: DatabaseName) -> None:
    try:
        deleted = finalize_extraction(sides_of_deployment(), side, click.echo)
    except FinalizeRefused as error:
        raise CommandError(f"nothing was deleted: {error}") from error
    click.echo(f"{deleted:,} rows of copies deleted; every business is owned by {side} alone")
