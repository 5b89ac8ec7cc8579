"""`extraction verify`."""

import json
import random
import sys
from typing import Any

import click
import msgspec

from contracts.scheduling.values import DatabaseName
from deploy.errors import CommandError
from deploy.moving import Moving, open_moving
from deploy.operations import open_operations
from deploy.reconciling import unmatched
from monolith.cutover.databases import other_database
from monolith.cutover.preflight import store_findings
from monolith.cutover.verification import Findings, check_invariants, compare
from monolith.modules.billing.api import BillingApi
from monolith.modules.scheduling.ownership import Ownership
from monolith.shared.endpoints import BusinessRef


@click.command()
@click.option("--business", metavar="SLUG", help="One business; without, every one.")
@click.option("--sample", type=click.FloatRange(0, 100), help="This share of the businesses, drawn by chance.")
@click.option(
    "--settle-seconds",
    type=click.FloatRange(0),
    default=5.0,
    show_default=True,
    help="How long a row may take to arrive before it counts as different.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def verify(business: str | None, sample: float | None, settle_seconds: float, as_json: bool) -> None:  # fmt: skip
    """Compare businesses in both databases, row by row, while they are used; and see that no row breaks a promise, and
    that invoices match appointments.

    Exits with 1 when anything differs, and names the rows.
    """
    with open_operations() as operations:
        businesses = _chosen(list(operations.businesses()), business, sample)
        owners, billing = operations.owners(), operations.billing
    wrong = 0
    with open_moving() as moving:
        for each in businesses:
            owner = owners.get(each.business_id)
            if owner is not None:
                wrong += not _verify(moving, billing, each, owner, settle_seconds, as_json)
    if not as_json:
        click.echo(f"{len(businesses)} compared, {wrong} with something wrong")
    if wrong:
        sys.exit(1)


def _chosen(businesses: list[BusinessRef], slug: str | None, sample: float | None) -> list[BusinessRef]:
    if slug is not None:
        businesses = [each for each in businesses if each.slug == slug]
        if not businesses:
            raise CommandError(f"there is no business {slug!r}: `extraction status` lists them")
    if sample is not None:
        businesses = random.sample(businesses, min(len(businesses), max(1, round(len(businesses) * sample / 100))))
    return sorted(businesses, key=lambda each: each.slug)


def _verify(
    moving: Moving, billing: BillingApi, business: BusinessRef, owner: Ownership, settle_seconds: float, as_json: bool
) -> bool:
    side: DatabaseName = owner.owner
    here, there = moving.controller.at(side), moving.controller.at(other_database(side))
    findings = compare(here, there, business.business_id, settle_seconds=settle_seconds)
    store_findings(moving.platform, business.business_id, findings)
    broken = check_invariants(here, business.business_id)
    broken += unmatched(here, billing, business.business_id, settle_seconds=settle_seconds)
    if as_json:
        click.echo(json.dumps(_as_json(business, side, findings, broken)))
    else:
        _print(business, side, findings, broken)
    return findings.equal and not broken


def _as_json(business: BusinessRef, side: DatabaseName, findings: Findings, broken: list[str]) -> dict[str, Any]:
    return {"business": business.slug, "owner": side, **msgspec.to_builtins(findings), "broken": broken}


def _print(business: BusinessRef, side: DatabaseName, findings: Findings, broken: list[str]) -> None:
    rows = sum(each.rows for each in findings.tables.values())
    verdict = "the same on both sides" if findings.equal else f"{findings.different} rows differ"
    click.echo(f"{business.slug} ({side}): {rows:,} rows, {verdict}")
    for each in findings.differences:
        click.echo(f"  {each.table} {each.key}: {each.what}")
    if findings.different > len(findings.differences):
        click.echo(f"  and {findings.different - len(findings.differences)} more")
    for words in broken:
        click.echo(f"  {words}")
