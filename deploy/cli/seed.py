"""Fill the databases with many businesses and appointments."""

import secrets
from datetime import UTC, datetime, timedelta
from typing import cast

import click

from deploy.databases import schemas
from deploy.databases.schemas import Target
from deploy.deployment import administrator_url, deployment_environment
from monolith.shared.flags.scheduling_flag import AdapterName


@click.command()
@click.option("--businesses", type=int, required=True, metavar="N", help="How many businesses.")
@click.option("--appointments", type=int, required=True, metavar="M", help="How many appointments, in all of them.")
@click.option("--seed", "number", type=int, default=1, show_default=True, help="The same seed gives the same data.")
@click.option(
    "--side",
    type=click.Choice(["in_process", "http"]),
    default="in_process",
    show_default=True,
    help="Who owns the businesses: the monolith's own scheduling, or the extracted service.",
)
@click.option("--password", help="Of every owner; else one is made and printed.")
def seed(businesses: int, appointments: int, number: int, side: str, password: str | None) -> None:
    """Fill the databases with businesses and their appointments, quickly: millions in minutes.

    Services, providers, hours, and appointments over past and coming weeks, none overlapping; the same for the same
    seed in the same week. All or nothing. Goes to MONOLITH_DATABASE_URL, and SCHEDULING_DATABASE_URL for the side
    `http`, with an administrator's credentials; with none of these set, to the demo that runs in this folder.
    """
    from deploy.seed.plan import SeedPlan
    from deploy.seed.seeding import seed as fill

    today = datetime.now(UTC).date()
    monday = today - timedelta(days=today.weekday())
    plan = SeedPlan(businesses, appointments, number, cast(AdapterName, side), monday)
    monolith = _target("monolith")
    scheduling = monolith if side == "in_process" else _target("scheduling")
    password = password or secrets.token_urlsafe(12)
    fill(plan, monolith, scheduling, password=password, say=lambda line: click.echo(line, err=True))
    click.echo(f"{businesses:,} businesses with {appointments:,} appointments, owned by {side}")
    click.echo(f"the first is at /b/{plan.slug(0)}; its owner is {plan.owner_email(0)}, password {password}")


def _target(deployment: str) -> Target:
    make = schemas.monolith_target if deployment == "monolith" else schemas.scheduling_target
    return make(administrator_url(deployment), deployment_environment(deployment)["DATABASE_ROLE_SECRET"])
