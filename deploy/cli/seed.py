"""Fill the databases with many businesses and appointments."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import cast, get_args

import click

from deploy.databases import schemas
from deploy.databases.schemas import Target
from deploy.deployment import administrator_url, deployment_environment
from monolith.cutover.scheduling_flag import DATABASE_OF, AdapterName


@click.command()
@click.option("--businesses", type=int, required=True, metavar="N", help="Number of businesses.")
@click.option("--appointments", type=int, required=True, metavar="M", help="Number of appointments in all of them.")
@click.option("--seed", "number", type=int, default=1, show_default=True, help="The same seed gives the same data.")
@click.option(
    "--adapter",
    "--side",
    "adapter",
    type=click.Choice(get_args(AdapterName)),
    default="in_process",
    show_default=True,
    help="Adapter of the businesses: in_process stores them in the monolith's database, http in the service's.",
)
@click.option("--password", help="Password of every owner; the default is random and is printed.")
def seed(businesses: int, appointments: int, number: int, adapter: str, password: str | None) -> None:
    """Fill the databases with businesses and their appointments: millions in minutes.

    Creates services, providers, hours, and appointments over past and future weeks without overlaps; the same seed
    gives the same data within a week. Commits everything or nothing. Writes to MONOLITH_DATABASE_URL, and to
    SCHEDULING_DATABASE_URL for the adapter `http`, with an administrator's credentials. If neither is set, it writes
    to the demo that runs in this folder.
    """
    from deploy.seed.plan import SeedPlan
    from deploy.seed.seeding import seed as fill

    today = datetime.now(UTC).date()
    monday = today - timedelta(days=today.weekday())
    plan = SeedPlan(businesses, appointments, number, cast(AdapterName, adapter), monday)
    monolith = _target("monolith")
    scheduling = monolith if adapter == "in_process" else _target("scheduling")
    password = password or secrets.token_urlsafe(12)
    fill(plan, monolith, scheduling, password=password, say=lambda line: click.echo(line, err=True))
    click.echo(f"{businesses:,} businesses with {appointments:,} appointments, owned by {DATABASE_OF[plan.adapter]}")
    click.echo(f"the first is at /b/{plan.slug(0)}; its owner is {plan.owner_email(0)}, password {password}")


def _target(deployment: str) -> Target:
    build = schemas.monolith_target if deployment == "monolith" else schemas.scheduling_target
    return build(administrator_url(deployment), deployment_environment(deployment)["DATABASE_ROLE_SECRET"])
