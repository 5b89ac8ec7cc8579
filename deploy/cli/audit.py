"""Show the audit log: who changed what, when and why."""

import json
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from deploy.cli.options import printable
from deploy.control_plane import control_plane
from monolith.shared.flags.store import AuditEntry


@click.command()
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many entries to show."
)
@click.option("--business", metavar="SLUG", help="Only entries about one business.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line, newest first.")
def audit(limit: int, business: str | None, as_json: bool) -> None:
    """Show the audit log, newest first: every change of a flag, cutovers, roles, and denied requests.

    Entries are appended only; the database refuses to change them.
    """
    with control_plane() as plane:
        business_id = None if business is None else plane.directory.find(business).business_id
        entries = plane.audit.changes(limit, business_id=business_id)
        slugs = {str(each): slug for each, slug in plane.directory.slugs().items()}
    if as_json:
        for entry in entries:
            click.echo(json.dumps({**entry._asdict(), "recorded_at": entry.recorded_at.isoformat()}))
    elif entries:
        _print(entries, slugs)
    else:
        click.echo("the audit log has no such entry")


def _print(entries: list[AuditEntry], slugs: dict[str, str]) -> None:
    table = Table("when (UTC)", "who", "what", "subject", "before", "after", box=None, pad_edge=False)
    table.add_column("why", overflow="fold")
    for entry in entries:
        when = f"{entry.recorded_at:%Y-%m-%d %H:%M:%S}"
        subject = subject_with_slug(entry.subject, slugs)
        cells = (entry.actor, entry.action, subject, _cell(entry.before), _cell(entry.after), entry.reason)
        table.add_row(when, *map(printable, cells))
    Console(highlight=False, width=200).print(table, soft_wrap=True)


def subject_with_slug(subject: str, slugs: dict[str, str]) -> str:
    """Return the subject with the business's slug in place of its id."""
    before, found, business_id = subject.rpartition("business:")
    return f"{before}business {slugs.get(business_id, business_id)}" if found else subject


def _cell(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)
