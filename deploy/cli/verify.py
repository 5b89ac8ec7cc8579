"""Compare businesses in both databases, row by row."""

import json
import sys
from typing import Any

import click
import msgspec

from deploy.cli.options import NumberRange
from deploy.control_plane import control_plane
from monolith.cutover.service.verification_service import VerificationReport
from monolith.cutover.verification import Findings
from monolith.cutover.wording import count_of


@click.command()
@click.option("--business", metavar="SLUG", help="Compare one business; the default is every business.")
@click.option("--sample", type=NumberRange(0, 100), help="Compare a random sample: percentage of the businesses.")
@click.option(
    "--settle-seconds",
    type=NumberRange(0),
    default=5.0,
    show_default=True,
    help="How long a row may take to be replicated before it counts as different.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
def verify(business: str | None, sample: float | None, settle_seconds: float, as_json: bool) -> None:
    """Compare businesses in both databases, row by row, while they are in use.

    Needs replication: see `extraction replicate`. Also checks each business's own invariants, and that invoices match
    appointments. Exits with 1 when anything is wrong, and names the rows.
    """
    wrong = 0
    with control_plane() as plane:
        businesses = plane.verification.select(business, sample)
        for report in plane.verification.verify(businesses, settle_seconds=settle_seconds):
            wrong += not report.sound
            if as_json:
                click.echo(json.dumps(_to_json(report)))
            else:
                _print(report)
    if not as_json:
        click.echo(f"{count_of(len(businesses))} compared, {wrong} with problems")
    if wrong:
        sys.exit(1)


def _to_json(report: VerificationReport) -> dict[str, Any]:
    findings = {"equal": None} if report.findings is None else msgspec.to_builtins(report.findings)
    return {"business": report.slug, "owner": report.owner, **findings, "broken": report.broken}


def _print(report: VerificationReport) -> None:
    if report.findings is None:
        click.echo(f"{report.slug} ({report.owner}): not replicated, so only its own rows were checked")
    else:
        _print_findings(report, report.findings)
    for problem in report.broken:
        click.echo(f"  {problem}")


def _print_findings(report: VerificationReport, findings: Findings) -> None:
    rows = sum(each.rows for each in findings.tables.values())
    verdict = "the same in both databases" if findings.equal else f"{findings.different} rows differ"
    click.echo(f"{report.slug} ({report.owner}): {rows:,} rows, {verdict}")
    for each in findings.differences:
        click.echo(f"  {each.table} {each.key}: {each.what}")
    if findings.different > len(findings.differences):
        click.echo(f"  and {findings.different - len(findings.differences)} more")
