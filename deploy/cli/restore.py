"""Restore a backup into new data directories."""

from pathlib import Path

import click

from contracts.scheduling.values import DatabaseName
from deploy.backups.manifest import read_manifest
from deploy.backups.restore import restore as restore_database
from deploy.cli.database_names import canonical_name

_DIRECTORY = click.Path(path_type=Path, file_okay=False)


def _parse_further(_: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> dict[DatabaseName, Path]:
    """Callback for NAME=DIRECTORY."""
    found: dict[DatabaseName, Path] = {}
    for value in values:
        name, equals, directory = value.partition("=")
        if not equals or not directory:
            raise click.BadParameter("give a name and a directory, as in scheduling-2=/srv/data", param=parameter)
        found[canonical_name(parameter, name)] = Path(directory)
    return found


@click.command()
@click.argument("backup", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--monolith", type=_DIRECTORY, help="New data directory for the monolith's server.")
@click.option("--scheduling", type=_DIRECTORY, help="New data directory for the scheduling service's server.")
@click.option(
    "--database",
    "further",
    metavar="NAME=DIRECTORY",
    multiple=True,
    callback=_parse_further,
    help="New data directory for a further database, for example scheduling-2=/srv/data. Repeat it for several.",
)
def restore(backup: Path, monolith: Path | None, scheduling: Path | None, further: dict[DatabaseName, Path]) -> None:
    """Restore a backup of `extraction backup` into new data directories, up to its consistent point.

    Restore all databases, or some. No running server is touched. Run it as the user that runs Postgres; then start
    servers on the directories and run `extraction recover`: until then no business is written.
    """
    targets = {"monolith": monolith, "scheduling": scheduling, **further}
    chosen = {name: path.absolute() for name, path in targets.items() if path is not None}
    if not chosen:
        raise click.UsageError("Name a data directory: --monolith, --scheduling or --database.")
    manifest = read_manifest(backup)
    for name, path in chosen.items():
        restore_database(backup, manifest, name, path, click.echo)
    click.echo("start the servers on these directories, then run `extraction recover`")
