"""Back up all databases to one consistent point."""

import json
from pathlib import Path

import click
import psycopg

from contracts.scheduling.values import DatabaseName
from deploy.backups.backup import connect, create_point, take_backup
from deploy.cli.database_names import validate_names
from deploy.deployment import administrator_url
from deploy.errors import CommandError
from monolith.cutover.store.registry import further_names


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option(
    "--point-only", is_flag=True, help="Only mark the point, for a tool that archives the WAL of the servers."
)
@click.option(
    "--without",
    "left_out",
    metavar="NAME",
    multiple=True,
    callback=validate_names,
    help="Leave out a further database, for example scheduling-2. Repeat the option for several.",
)
def backup(folder: Path | None, point_only: bool, left_out: tuple[DatabaseName, ...]) -> None:
    """Back up all databases into FOLDER, to one consistent point, while the product is in use.

    Scheduling's writes wait for some milliseconds, accounts and invoices do not. Each further database that is
    registered needs its address with an administrator's credentials, as in SCHEDULING_2_DATABASE_URL. With Barman,
    pgBackRest or another tool in charge of backups, --point-only prints the name of the restore point to give to it
    as recovery target.
    """
    if point_only == (folder is not None):
        raise click.UsageError("Name a folder, or use --point-only.")
    urls = _urls(left_out)
    if folder is None:
        point, marked = create_point(urls)
        click.echo(json.dumps({"point": point, "lsn": dict(marked.lsn), "paused_ms": marked.paused_ms}))
        return
    try:
        manifest = take_backup(urls, folder, click.echo)
    except CommandError as error:
        raise CommandError(f"{error} (no backup was made; remove {folder})") from error
    click.echo(f"complete: {folder} restores {', '.join(urls)} to {manifest.point}")


def _urls(left_out: tuple[DatabaseName, ...]) -> dict[DatabaseName, str]:
    """Return the addresses of all databases but those left out. Raises CommandError for a missing one."""
    urls = {name: administrator_url(name) for name in ("monolith", "scheduling")}
    further = _further_names(urls["monolith"])
    unknown = sorted(set(left_out) - set(further))
    if unknown:
        raise CommandError(
            f"--without {unknown[0]}: that is no further database; registered: {', '.join(further) or 'none'}"
        )
    for name in further:
        if name in left_out:
            click.echo(f"! {name} is not part of this backup: back it up with the tools of its server", err=True)
            continue
        try:
            urls[name] = administrator_url(name)
        except CommandError as error:
            raise CommandError(f"{error}, or leave it out with --without {name}") from error
    return urls


def _further_names(monolith_url: str) -> list[DatabaseName]:
    try:
        with connect("monolith", monolith_url) as db:
            return further_names(db)
    except psycopg.errors.UndefinedTable:
        # It is not migrated, or only to a release without further databases.
        return []
