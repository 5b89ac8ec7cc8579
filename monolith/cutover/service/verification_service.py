"""Verification of whole businesses: both databases, the rows' own invariants, and billing's invoices."""

import random
from collections.abc import Callable, Iterator

from msgspec import Struct

from contracts.scheduling.values import DatabaseName
from monolith.cutover.service.cutovers import CutoverService
from monolith.cutover.service.directory import BusinessDirectory
from monolith.cutover.service.invoice_reconciliation import unmatched_invoices
from monolith.cutover.store.verifications import store_findings
from monolith.cutover.verification import Findings, check_invariants, compare
from monolith.modules.billing.api import BillingApi
from monolith.shared.endpoints import BusinessRef


class VerificationReport(Struct, frozen=True):
    """`findings` is None for a business that is not replicated.

    `broken` names violated invariants and invoices without a matching appointment, one line each.
    """

    slug: str
    owner: DatabaseName
    findings: Findings | None
    broken: list[str]

    @property
    def sound(self) -> bool:
        return (self.findings is None or self.findings.equal) and not self.broken


class VerificationService:
    """Compares while the business is in use; `settle_seconds` is how long a row may take to be replicated."""

    def __init__(
        self, directory: BusinessDirectory, billing: Callable[[], BillingApi], cutovers: CutoverService
    ) -> None:
        self._directory, self._billing, self._cutovers = directory, billing, cutovers

    def select(self, slug: str | None, sample_percent: float | None) -> list[BusinessRef]:
        """Return one business, or all, or a random sample of at least one. Raises UnknownBusiness."""
        found = [self._directory.find(slug)] if slug is not None else list(self._directory.all())
        if sample_percent is not None and found:
            found = random.sample(found, max(1, round(len(found) * sample_percent / 100)))
        return sorted(found, key=lambda each: each.slug)

    def verify(self, businesses: list[BusinessRef], *, settle_seconds: float) -> Iterator[VerificationReport]:
        """Yield one report for each business that has an owner. Comparisons are stored as the latest verification.

        Raises NothingReplicated before the first comparison.
        """
        self._cutovers.require_replication()
        owners, billing = self._directory.owners(), self._billing()
        for business in businesses:
            if business.business_id in owners:
                yield self._verify(business, owners[business.business_id].owner, billing, settle_seconds)

    def _verify(
        self, business: BusinessRef, owner_name: DatabaseName, billing: BillingApi, settle: float
    ) -> VerificationReport:
        controller = self._cutovers.controller
        owner, databases = controller.at(owner_name), self._cutovers.databases
        partner, findings = databases.partner_of(owner_name), None
        if partner is not None and databases.replicates(business.business_id, owner_name):
            findings = compare(owner, controller.at(partner), business.business_id, settle_seconds=settle)
            store_findings(controller.control_db, business.business_id, findings)
        broken = check_invariants(owner, business.business_id)
        broken += unmatched_invoices(owner, billing, business.business_id, settle_seconds=settle)
        return VerificationReport(business.slug, owner_name, findings, broken)
