"""Read the mails that the demo has sent."""

import os

import click

from deploy.cli.options import printable
from deploy.devstack.settings import read_settings
from deploy.errors import CommandError
from deploy.mailsink.store import MailStore


@click.group()
def mail() -> None:
    """Read the mails that the demo has sent. They are stored in DATA_DIR/mail and never leave this machine."""


@mail.command("list")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Maximum number of mails.")
def list_command(limit: int) -> None:
    """List the newest mails."""
    mails = list(_store().newest_first(limit))
    for each in mails:
        click.echo(f"{each.number:>6}  {each.date:<31}  {printable(each.recipient):<28}  {printable(each.subject)}")
    if not mails:
        click.echo("no mails yet: book an appointment in the demo to receive its confirmation here")


@mail.command("show")
@click.argument("number", type=click.IntRange(1))
def show_command(number: int) -> None:
    """Show mail NUMBER of `extraction mail list`."""
    found = _store().get(number)
    if found is None:
        raise CommandError(f"there is no mail {number}: `extraction mail list` shows the mails")
    headers = {"From": found.sender, "To": found.recipient, "Date": found.date, "Subject": found.subject}
    for name, value in headers.items():
        click.echo(f"{name}: {printable(value)}")
    click.echo(f"\n{printable(found.text)}")
    for calendar in found.calendars:
        click.echo(f"--- appointment.ics\n{printable(calendar)}")


def _store() -> MailStore:
    return MailStore(read_settings(os.environ).data / "mail")
