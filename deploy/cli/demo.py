"""Run the whole product on this machine, with demo data."""

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from deploy.devstack.environment import Backends, monolith_environment
from deploy.devstack.keys import Keys
from deploy.devstack.settings import Settings, read_settings
from deploy.devstack.stack import run

if TYPE_CHECKING:
    from deploy.demo_data import DemoLogin


@click.command()
@click.option("--no-seed", is_flag=True, help="Start with empty databases: no demo businesses, no logins.")
def demo(no_seed: bool) -> None:
    """Run the whole product on this machine until Ctrl-C.

    Starts two Postgres servers, Valkey and a mail sink, sets up the databases, starts the six processes of the
    product and fills in demo data. The data is kept in one folder (DATA_DIR, default `.data`), and the next start uses
    it again.

    \b
    Ports:    MONOLITH_PORT, SCHEDULING_PORT, CONSOLE_PORT, MONOLITH_POSTGRES_PORT,
              SCHEDULING_POSTGRES_PORT, MONOLITH_HEALTH_PORT,
              SCHEDULING_HEALTH_PORT, REDIS_PORT, SMTP_PORT, MAIL_PORT
    Your own servers, with an administrator's credentials:
              MONOLITH_DATABASE_URL, SCHEDULING_DATABASE_URL, REDIS_URL
    """
    settings = read_settings(os.environ)

    def on_ready(keys: Keys, backends: Backends) -> None:
        logins = [] if no_seed else _fill_in_data(settings, keys, backends)
        _print_welcome(settings, logins)

    run(settings, say=click.echo, on_ready=on_ready)


def _fill_in_data(settings: Settings, keys: Keys, backends: Backends) -> "Iterable[DemoLogin]":
    from deploy.demo_data import add_operators, fill_demo

    click.echo("filling in demo data")
    environment = monolith_environment(settings, keys, backends)
    return [*fill_demo(environment), *add_operators(environment)]


def _print_welcome(settings: Settings, logins: "Iterable[DemoLogin]") -> None:
    console = Console(highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_row("the product", settings.public_url)
    table.add_row("its operator console", f"{settings.console_url}/ops/")
    table.add_row("its learning path", f"{settings.console_url}/learn/")
    table.add_row("its mails", settings.mail_url)
    table.add_row("scheduling service", settings.scheduling_service_url)
    table.add_row("logs", str(settings.logs))
    for login in logins:
        table.add_row(f"log in as {login.role}", login.email, login.password)
    console.print()
    console.print(table, soft_wrap=True)
    console.print("\nCtrl-C stops everything; the data is kept.\n")
