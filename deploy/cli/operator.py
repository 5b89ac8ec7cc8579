"""`extraction operator`."""

import click

from deploy.errors import CommandError
from deploy.operations import open_operations
from monolith.shared.endpoints import ApiError

SHORTEST_PASSWORD = 10


@click.group()
def operator() -> None:
    """Appoint those who run the whole product, across businesses."""


@operator.command()
@click.argument("email")
@click.option("--name", help="Make the account, if there is none yet. The password is asked for.")
def add(email: str, name: str | None) -> None:
    """Make the account with this e-mail address an operator. May be repeated."""
    password = None if name is None else click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise CommandError(f"the password is too short: use at least {SHORTEST_PASSWORD} characters")
    with open_operations() as operations:
        try:
            user = operations.auth.make_operator(email, name=name, password=password)
        except ApiError as error:
            raise CommandError(f"{email} has no account: sign it up first, or make one with --name") from error
    click.echo(f"{user.email} is an operator")
