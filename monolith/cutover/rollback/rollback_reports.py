"""Report automatic rollbacks to operators, in the worker."""

from monolith.cutover.store import rollback_reports
from monolith.cutover.store.rollback_reports import UnreportedRollback
from monolith.modules.auth.api import AuthApi
from monolith.shared.database import ModuleDatabase

BATCH = 20


class RollbackReports:
    """Writes one mail to each operator about each rollback.

    A crash between the mail and its mark sends the same mail again, with the same Message-ID. `database` connects as
    `cutover_app`.
    """

    def __init__(self, database: ModuleDatabase, operators: AuthApi) -> None:
        self._database, self._operators = database, operators

    def step(self) -> bool:
        """Report a batch of unreported rollbacks; return whether there were any. Raises DatabaseUnavailable."""
        with self._database.transaction() as connection:
            found = rollback_reports.unreported(connection, BATCH)
        for rollback in found:
            subject, paragraphs = self._write(rollback)
            self._operators.write_to_operators(rollback.policy_id, subject, paragraphs)
            with self._database.transaction() as connection:
                rollback_reports.mark_reported(connection, rollback.policy_id)
        return bool(found)

    def _write(self, rollback: UnreportedRollback) -> tuple[str, tuple[str, ...]]:
        business = self._operators.business(rollback.business_id)
        slug = str(rollback.business_id) if business is None else business.slug
        return (
            f"{slug} was moved back to {rollback.home}",
            (
                f"Its guard moved it back at {rollback.ended_at:%Y-%m-%d %H:%M:%S} UTC, while it was in use.",
                f"Reason: {rollback.reason or 'its calls exceeded a threshold'}",
                "No data was lost. Find the cause before you move it again; the audit log has the counts:",
                f"extraction audit --business {slug}",
            ),
        )
