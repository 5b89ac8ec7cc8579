"""Restore a backup into new data directories."""

from pathlib import Path

import click

from deploy.backups.manifest import Name, read_manifest
from deploy.backups.restore import restore as restore_database

_DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("backup", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.option("--monolith", type=_DIRECTORY, help="New data directory for the monolith's server.")
@click.option("--scheduling", type=_DIRECTORY, help="New data directory for the scheduling service's server.")
def restore(backup: Path, monolith: Path | None, scheduling: Path | None) -> None:
    """Restore a backup of `extraction backup` into new data directories, up to its consistent point.

    Restore both databases, or one alone. No running server is touched. Run it as the user that runs Postgres; then
    start servers on the directories and run `extraction recover`: until then no business is written.
    """
    targets: dict[Name, Path | None] = {"monolith": monolith, "scheduling": scheduling}
    chosen = {name: path.absolute() for name, path in targets.items() if path is not None}
    if not chosen:
        raise click.UsageError("Name a data directory: --monolith, --scheduling, or both.")
    manifest = read_manifest(backup)
    for name, path in chosen.items():
        restore_database(backup, manifest, name, path, click.echo)
    click.echo("start the servers on these directories, then run `extraction recover`")
