"""Roll businesses back whose calls exceed the thresholds of their rollback policy."""

import logging
import time
from typing import Any
from uuid import UUID

from monolith.cutover.checks import CutoverChecks
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.metrics.daemon_metrics import DaemonMetrics
from monolith.cutover.polling_loop import PollingLoop, TableChanges
from monolith.cutover.rollback.thresholds import find_breach
from monolith.cutover.store import rollback_policies
from monolith.cutover.store.cutovers import CutoverInProgress, SourceNotOwner
from monolith.cutover.store.rollback_policies import ACTOR, PolicyOutcome, PolicyStatus
from monolith.cutover.store.servers import RecoveryRequired

log = logging.getLogger(__name__)

FENCE_SECONDS = 2.0
RETRY_SECONDS = 5.0


class RollbackWorker:
    """Call `step` repeatedly from one thread. It never raises for an unreachable database.

    `checks` are the checks of any cutover: a business is rolled back only if nothing is lost. A refused rollback is
    retried while the thresholds are exceeded. `changes` are those of table `rollback_policy`; without them every step
    polls.
    """

    def __init__(
        self,
        databases: SchedulingDatabases,
        checks: CutoverChecks,
        changes: TableChanges | None = None,
        metrics: DaemonMetrics | None = None,
    ) -> None:
        self._controller = Controller(databases, checks)
        self._loop = PollingLoop("rollback worker", self._controller, changes, metrics)
        self._retry_at: dict[UUID, float] = {}

    def step(self) -> int:
        """Evaluate every active policy, and return how many ended."""
        return self._loop.run_once(rollback_policies.active_policies, self._evaluate)

    def close(self) -> None:
        self._controller.close()

    def _evaluate(self, status: PolicyStatus) -> bool:
        """Return whether the policy ended."""
        if status.moved_by is not None:
            self._end_after_cutover(status, status.moved_by)
            return True
        breach = find_breach(status.policy.thresholds, status.parts)
        if breach is not None:
            return self._roll_back(status, breach)
        if status.expired:
            self._end(status, "kept", status.policy.problem or "its time passed")
        return status.expired

    def _end_after_cutover(self, status: PolicyStatus, moved_by: str) -> None:
        """End a policy whose business was cut over since, also by a rollback of a process that died."""
        if moved_by == ACTOR:
            self._end(status, "returned", status.policy.problem or "its calls exceeded the thresholds")
        else:
            self._end(status, "superseded", f"the business was cut over by {moved_by} since")

    def _roll_back(self, status: PolicyStatus, breach: str) -> bool:
        policy = status.policy
        if time.monotonic() < self._retry_at.get(policy.policy_id, 0.0):
            return False
        self._retry_at[policy.policy_id] = time.monotonic() + RETRY_SECONDS
        log.warning("rolling business %s back to %s: %s", policy.business_id, policy.home, breach)
        problem = self._cut_over(status, breach)
        if problem is None:
            self._end(status, "returned", breach)
            return True
        log.error("business %s cannot be rolled back: %s", policy.business_id, problem)
        rollback_policies.record_problem(
            self._controller.control_db, policy, f"{breach}; but {problem}", _evidence(status)
        )
        return False

    def _cut_over(self, status: PolicyStatus, breach: str) -> str | None:
        """Return why the business was not rolled back; None if it was."""
        try:
            finished = self._controller.cut_over(
                status.policy.business_id,
                status.owner,
                status.policy.home,
                fence_seconds=FENCE_SECONDS,
                actor=ACTOR,
                reason=breach,
            )
        except CutoverInProgress:
            return "another cutover of it is in progress"
        except SourceNotOwner:
            return "another operator cut it over"
        except RecoveryRequired as required:
            return str(required)
        return None if finished.state == "active" else finished.problem or finished.state

    def _end(self, status: PolicyStatus, outcome: PolicyOutcome, reason: str) -> None:
        self._retry_at.pop(status.policy.policy_id, None)
        rollback_policies.end_policy(self._controller.control_db, status.policy, outcome, reason, _evidence(status))


def _evidence(status: PolicyStatus) -> dict[str, Any]:
    """The counts since the cutover, and those of each part of the window."""
    return {
        "owner": status.owner,
        "since_the_move": status.total._asdict(),
        "parts": [part._asdict() for part in status.parts],
    }
