"""Grant operator rights."""

import click

from deploy.deployment import deployment_environment, unreachable_database
from deploy.errors import CommandError
from monolith.operators import operators_auth
from monolith.shared.database import DatabaseUnavailable
from monolith.shared.endpoints import ApiError

SHORTEST_PASSWORD = 10


@click.group()
def operator() -> None:
    """Grant operator rights: access to every business."""


@operator.command()
@click.argument("email")
@click.option("--name", help="Create the account if there is none; prompts for its password.")
def add(email: str, name: str | None) -> None:
    """Make the account with this e-mail address an operator. Repeating the command has no further effect."""
    password = None if name is None else click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    if password is not None and len(password) < SHORTEST_PASSWORD:
        raise CommandError(f"the password is too short: use at least {SHORTEST_PASSWORD} characters")
    environment = deployment_environment("monolith")
    auth = operators_auth(environment["MONOLITH_DATABASE_URL"], environment["DATABASE_ROLE_SECRET"])
    try:
        user = auth.make_operator(email, name=name, password=password)
    except ApiError as error:
        raise CommandError(f"{email} has no account: sign it up first, or create one with --name") from error
    except DatabaseUnavailable as error:
        raise unreachable_database("monolith", error) from error
    click.echo(f"{user.email} is an operator")
