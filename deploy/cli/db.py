"""Set up a database, or check one."""

from collections.abc import Callable, Mapping

import click

from deploy.databases import schemas
from deploy.databases.schemas import Target
from deploy.deployment import administrator_url, deployment_environment

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


def target_of(deployment: str) -> Target:
    """Return the database of a deployment, with an administrator's credentials. Raises CommandError."""
    secret = deployment_environment(deployment)["DATABASE_ROLE_SECRET"]
    return TARGETS[deployment](administrator_url(deployment), secret)
