"""Run the whole product on this machine, with demo data."""

import importlib.util
import os
from collections.abc import Iterable
from typing import Protocol

import click
from rich.console import Console
from rich.table import Table

from deploy.devstack.environment import Backends, monolith_environment
from deploy.devstack.keys import Keys
from deploy.devstack.settings import Settings, read_settings
from deploy.devstack.stack import run


class Login(Protocol):
    """Somebody whom the demo data knows."""

    who: str
    email: str
    password: str


@click.command()
@click.option("--no-seed", is_flag=True, help="Begin with empty databases: no demo businesses, no logins.")
def demo(no_seed: bool) -> None:
    """Run the whole product on this machine until Ctrl-C.

    Starts two Postgres servers, Valkey and a mail sink of its own, sets up the databases, starts the five processes
    of the product and fills in demo data. The data stays in one folder (DATA_DIR, `.data` unless set); the second
    start goes on with it.

    \b
    Ports:    MONOLITH_PORT, SCHEDULING_PORT, MONOLITH_POSTGRES_PORT,
              SCHEDULING_POSTGRES_PORT, REDIS_PORT, SMTP_PORT, MAIL_PORT
    Servers of your own, with an administrator's credentials:
              MONOLITH_DATABASE_URL, SCHEDULING_DATABASE_URL, REDIS_URL
    """
    settings = read_settings(os.environ)

    def on_ready(keys: Keys, backends: Backends) -> None:
        logins = [] if no_seed else _seed(settings, keys, backends)
        _welcome(settings, logins)

    run(settings, say=click.echo, on_ready=on_ready)


def _seed(settings: Settings, keys: Keys, backends: Backends) -> Iterable[Login]:
    """Fill in the demo data; what stands there already is left as it is."""
    if importlib.util.find_spec("deploy.demo_data") is None:
        return []
    click.echo("filling in demo data")
    logins: Iterable[Login] = importlib.import_module("deploy.demo_data").seed(
        monolith_environment(settings, keys, backends)
    )
    return logins


def _welcome(settings: Settings, logins: Iterable[Login]) -> None:
    console = Console(highlight=False)
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_row("the product", settings.public_url)
    table.add_row("its mails", settings.mail_url)
    table.add_row("scheduling service", settings.scheduling_service_url)
    table.add_row("logs", str(settings.logs))
    for login in logins:
        table.add_row(f"log in as {login.who}", login.email, login.password)
    console.print()
    console.print(table, soft_wrap=True)
    console.print("\nCtrl-C stops everything; the data stays.\n")
