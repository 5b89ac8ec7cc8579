"""Set up a database, or check one."""

from collections.abc import Callable, Mapping

import click

from contracts.chassis.credentials import role_passwords
from deploy.databases import schemas
from deploy.databases.schemas import Target
from deploy.deployment import administrator_url, deployment_environment
from deploy.errors import CommandError

TARGETS: Mapping[str, Callable[[str, str], Target]] = {
    "monolith": schemas.monolith_target,
    "scheduling": schemas.scheduling_target,
}
DEPLOYMENT = click.argument("deployment", type=click.Choice(list(TARGETS)))


@click.group()
def db() -> None:
    """Set up the database of a deployment, or check it.

    MONOLITH_DATABASE_URL or SCHEDULING_DATABASE_URL names the database, with an administrator's credentials. The
    passwords of the running roles are derived from DATABASE_ROLE_SECRET; each deployment has its own secret. If
    nothing is set, the command uses the databases of the demo that runs in this folder.
    """


@db.command("setup", short_help="Create and migrate the database, roles, schemas and tables.")
@DEPLOYMENT
def set_up_command(deployment: str) -> None:
    """Create the database, roles, schemas and tables that are missing, and migrate to this version.

    Can be repeated; existing data is kept.
    """
    from deploy.databases.set_up import set_up

    target = target_of(deployment)
    set_up(target)
    click.echo(f"the {deployment} database is ready: {', '.join(schema.name for schema in target.schemas)}")


@db.command("check")
@DEPLOYMENT
def check_command(deployment: str) -> None:
    """Check whether the product can run on the database. Changes nothing."""
    from deploy.databases.check import check

    check(target_of(deployment))
    click.echo(f"the {deployment} database is reachable and migrated, and the running roles can log in")


@db.command(short_help="Set the roles' new passwords during a rotation.")
@DEPLOYMENT
def rotate(deployment: str) -> None:
    """Set the passwords of the running roles to those of the new secret. Open connections continue.

    Before: give every process both secrets (DATABASE_ROLE_SECRET=NEW,OLD) and restart it, so that it accepts either
    password. Afterwards: `extraction replicate reconnect` if the databases replicate; then give every process the new
    secret alone. Can be repeated.
    """
    from deploy.databases.rotate import set_passwords

    set_passwords(target_of(deployment))
    click.echo(
        f"the roles of the {deployment} database have their new passwords; if it is replicated, run "
        "`extraction replicate reconnect`"
    )


@db.command(short_help="Print passwords for a process that is not given the secret.")
@DEPLOYMENT
@click.argument("roles", nargs=-1, required=True)
def passwords(deployment: str, roles: tuple[str, ...]) -> None:
    """Print the passwords of ROLES, as a value of DATABASE_ROLE_SECRET for a process that uses these roles only.

    Such a process cannot derive the passwords of other roles. The settings reference lists the roles of each process.
    """
    secret = deployment_environment(deployment)["DATABASE_ROLE_SECRET"]
    known = {role for schema in target_of(deployment).schemas for role in schema.running_roles}
    unknown = sorted(set(roles) - known)
    if unknown:
        raise CommandError(
            f"the {deployment} database has no role {unknown[0]}: its roles are {', '.join(sorted(known))}"
        )
    click.echo(" ".join(f"{role}={','.join(role_passwords(secret, role))}" for role in roles))


def target_of(deployment: str) -> Target:
    """Return the database of a deployment, with an administrator's credentials. Raises CommandError."""
    secret = deployment_environment(deployment)["DATABASE_ROLE_SECRET"]
    return TARGETS[deployment](administrator_url(deployment), secret)
