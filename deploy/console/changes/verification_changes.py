"""Comparison of both databases, on request."""

from typing import ClassVar

from deploy.console.changes.change import Fact, OperatorChange, Preview, Report, Slug, Who, audited_business
from monolith.cutover.service import ControlPlane
from monolith.cutover.service.verification_service import VerificationReport
from monolith.cutover.verification import Findings
from monolith.cutover.wording import count_of


class Verify(OperatorChange, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Compare one business, or all, row by row in both databases. Read-only."""

    kind: ClassVar[str] = "verify"
    title: ClassVar[str] = "Compare both databases"
    button: ClassVar[str] = "Compare"
    page: ClassVar[str] = "ops.businesses"

    slug: Slug | None = None

    @property
    def subject(self) -> str:
        return "every business" if self.slug is None else f"business {self.slug}"

    def audit_subject(self, plane: ControlPlane) -> str:
        return self.subject if self.slug is None else audited_business(plane, self.slug)

    def preview(self, plane: ControlPlane) -> Preview:
        selected = plane.verification.select(self.slug, None)
        option = "" if self.slug is None else f" --business {self.slug}"
        return Preview(
            sentence="Each row is compared in both databases, with the business's invariants and its invoices.",
            command=f"extraction verify{option}",
            expected="any",
            facts=(Fact("businesses", str(len(selected))),),
        )

    def run(self, plane: ControlPlane, who: Who, report: Report) -> str:
        reports = plane.verification.verify(plane.verification.select(self.slug, None), settle_seconds=5.0)
        sound = [_report_verification(each, report) for each in reports]
        return f"{count_of(len(sound))} compared, {sound.count(False)} with problems"


def _report_verification(found: VerificationReport, report: Report) -> bool:
    if found.findings is None:
        report(f"{found.slug} ({found.owner}): not replicated, so only its own rows were checked")
    else:
        _report_findings(found, found.findings, report)
    for problem in found.broken:
        report(f"  {problem}")
    return found.sound


def _report_findings(found: VerificationReport, findings: Findings, report: Report) -> None:
    rows = sum(table.rows for table in findings.tables.values())
    verdict = "the same in both databases" if findings.equal else f"{findings.different} rows differ"
    report(f"{found.slug} ({found.owner}): {rows:,} rows, {verdict}")
    for each in findings.differences:
        report(f"  {each.table} {each.key}: {each.what}")
