"""Back up both databases to one consistent point."""

import json
from contextlib import suppress
from pathlib import Path

import click
import psycopg

from deploy.backups.backup import create_point, take_backup
from deploy.backups.manifest import NAMES
from deploy.deployment import administrator_url
from deploy.errors import CommandError
from monolith.cutover.store.registry import further_names


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option(
    "--point-only", is_flag=True, help="Only mark the point, for a tool that archives the WAL of both servers."
)
def backup(folder: Path | None, point_only: bool) -> None:
    """Back up both databases into FOLDER, to one consistent point, while the product is in use.

    Scheduling's writes wait for some milliseconds, accounts and invoices do not. With Barman, pgBackRest or another
    tool in charge of backups, --point-only prints the name of the restore point to give to it as recovery target.
    """
    if point_only == (folder is not None):
        raise click.UsageError("Name a folder, or use --point-only.")
    urls = {name: administrator_url(name) for name in NAMES}
    _warn_of_further_databases(urls["monolith"])
    if folder is None:
        point, marked = create_point(urls)
        click.echo(json.dumps({"point": point, "lsn": dict(marked.lsn), "paused_ms": marked.paused_ms}))
        return
    try:
        manifest = take_backup(urls, folder, click.echo)
    except CommandError as error:
        raise CommandError(f"{error} (no backup was made; remove {folder})") from error
    click.echo(f"complete: {folder} restores both databases to {manifest.point}")


def _warn_of_further_databases(monolith_url: str) -> None:
    names: list[str] = []
    with suppress(psycopg.Error), psycopg.connect(monolith_url, connect_timeout=10) as db:
        # An unreachable database is reported by the backup itself.
        names = further_names(db)
    if names:
        click.echo(f"! {', '.join(names)}: not part of this backup; back it up with the tools of its server", err=True)
