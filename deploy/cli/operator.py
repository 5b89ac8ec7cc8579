"""Grant and revoke the roles of the operator console."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import click
from rich.console import Console
from rich.table import Table

from deploy.cli.options import current_actor, printable, validate_reason
from deploy.deployment import deployment_environment, unreachable_database
from deploy.errors import CommandError
from monolith.modules.auth.api import AuthApi
from monolith.modules.auth.passwords import MAX_LENGTH
from monolith.operators import OperatorRoles, operators_auth
from monolith.shared.database import DatabaseUnavailable, ModuleDatabase
from monolith.shared.endpoints import ApiError
from monolith.shared.flags.store import FlagStore

SHORTEST_PASSWORD = 10
REASON = click.option("--reason", default="", callback=validate_reason, help="Reason, for the audit log.")


@click.group()
def operator() -> None:
    """Grant the roles of the operator console to accounts of the product.

    An operator changes how the product runs, signed in with a password of their own; a viewer only sees it.
    """


@operator.command()
@click.argument("email")
@click.option("--viewer", is_flag=True, help="Grant the role of a viewer instead.")
@click.option("--name", help="Create the account if there is none; prompts for its password.")
@REASON
def add(email: str, viewer: bool, name: str | None, reason: str) -> None:
    """Make the account with this e-mail address an operator. Repeating the command has no further effect."""
    password = None if name is None else click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise CommandError(f"the password is too short: use at least {SHORTEST_PASSWORD} characters")
    if password is not None and len(password) > MAX_LENGTH:
        raise CommandError(f"the password is too long: use at most {MAX_LENGTH} characters")
    role: Literal["operator", "viewer"] = "viewer" if viewer else "operator"
    with _roles() as (roles, _):
        try:
            user = roles.grant(email, role, actor=current_actor(), reason=reason, name=name, password=password)
        except ApiError as error:
            raise CommandError(f"{email} has no account: sign it up first, or create one with --name") from error
    click.echo(f"{user.email} is {'a viewer' if viewer else 'an operator'}")


@operator.command()
@click.argument("email")
@REASON
def remove(email: str, reason: str) -> None:
    """Revoke the role of the account with this e-mail address. It takes effect with its next request.

    Fails if the account has none: a role stays with its account when the address changes.
    """
    with _roles() as (roles, _):
        try:
            user = roles.revoke(email, actor=current_actor(), reason=reason)
        except ApiError as error:
            missing = "role" if error.code == "no_role" else "account"
            raise CommandError(f"{email} has no {missing}: `extraction operator list` shows the operators") from error
    click.echo(f"{user.email} has no role any more")


@operator.command("list")
def list_command() -> None:
    """List the operators and viewers."""
    with _roles() as (_, accounts):
        found = accounts.operators()
    table = Table("e-mail", "name", "role", box=None, pad_edge=False)
    for user, role in found:
        table.add_row(user.email, printable(user.name), role)
    if found:
        Console(highlight=False, width=200).print(table, soft_wrap=True)
    else:
        click.echo("there are no operators yet: `extraction operator add EMAIL --name NAME` adds one")


@contextmanager
def _roles() -> Iterator[tuple[OperatorRoles, AuthApi]]:
    environment = deployment_environment("monolith")
    url, secret = environment["MONOLITH_DATABASE_URL"], environment["DATABASE_ROLE_SECRET"]
    platform = ModuleDatabase(url, role="platform_app", secret=secret, pool_size=1)
    accounts = operators_auth(url, secret)
    try:
        yield OperatorRoles(accounts, FlagStore(platform)), accounts
    except DatabaseUnavailable as error:
        raise unreachable_database("monolith", error) from error
    finally:
        platform.close()
