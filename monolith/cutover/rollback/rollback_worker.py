"""Moves guarded businesses back; one resident process does, beside the keeper's own work."""

import logging
import time
from typing import Any
from uuid import UUID

from monolith.cutover.controller import Controller, CutoverChecks
from monolith.cutover.databases import SchedulingDatabases, other_database
from monolith.cutover.polling_loop import PollingLoop
from monolith.cutover.rollback.thresholds import find_breach
from monolith.cutover.store import rollback_policies
from monolith.cutover.store.cutovers import CutoverInProgress, SourceNotOwner
from monolith.cutover.store.rollback_policies import ACTOR, PolicyStatus

log = logging.getLogger(__name__)

FENCE_SECONDS = 2.0
RETRY_SECONDS = 5.0


class RollbackWorker:
    """Call `step` again and again, from one thread. It never raises for a database that is away.

    `checks` are those of any move: a business goes back only when nothing is lost by it, and is tried again as long as
    it is served badly.
    """

    def __init__(self, databases: SchedulingDatabases, checks: CutoverChecks) -> None:
        self._controller = Controller(databases, checks)
        self._loop = PollingLoop("watchman", self._controller)
        self._not_before: dict[UUID, float] = {}

    def step(self) -> int:
        """How many guards ended."""
        return self._loop.run_once(rollback_policies.active_policies, self._look)

    def close(self) -> None:
        self._controller.close()

    def _look(self, each: PolicyStatus) -> bool:
        if each.moved_by is not None:
            self._settle(each, each.moved_by)
            return True
        verdict = find_breach(each.guard.bound, each.parts)
        if verdict is not None:
            return self._return(each, verdict)
        if each.over:
            self._end(each, "kept", each.guard.problem or "its time passed")
        return each.over

    def _settle(self, each: PolicyStatus, moved_by: str) -> None:
        """Also when this process died after its own move, or the keeper carried it on."""
        if moved_by == ACTOR:
            self._end(each, "returned", each.guard.problem or "it was served beyond its bound")
        else:
            self._end(each, "superseded", f"the business was moved by {moved_by} since")

    def _return(self, each: PolicyStatus, verdict: str) -> bool:
        guard_id = each.guard.guard_id
        if time.monotonic() < self._not_before.get(guard_id, 0.0):
            return False
        self._not_before[guard_id] = time.monotonic() + RETRY_SECONDS
        log.warning("business %s goes back to %s: %s", each.guard.business_id, each.guard.home, verdict)
        problem = self._move(each, verdict)
        if problem is None:
            self._end(each, "returned", verdict)
            return True
        log.error("business %s cannot go back: %s", each.guard.business_id, problem)
        rollback_policies.record_problem(
            self._controller.platform, each.guard, f"{verdict}; but {problem}", _evidence(each)
        )
        return False

    def _move(self, each: PolicyStatus, verdict: str) -> str | None:
        """Why it did not go back, if it did not."""
        home = each.guard.home
        try:
            moved = self._controller.cut_over(
                each.guard.business_id,
                other_database(home),
                home,
                fence_seconds=FENCE_SECONDS,
                actor=ACTOR,
                reason=verdict,
            )
        except CutoverInProgress:
            return "it is being moved"
        except SourceNotOwner:
            return "it was moved by somebody else"
        return None if moved.state == "active" else moved.problem or moved.state

    def _end(self, each: PolicyStatus, outcome: rollback_policies.PolicyOutcome, reason: str) -> None:
        self._not_before.pop(each.guard.guard_id, None)
        rollback_policies.end_policy(self._controller.platform, each.guard, outcome, reason, _evidence(each))


def _evidence(each: PolicyStatus) -> dict[str, Any]:
    """Calls for the business since it was moved, and in each part of the time that decides."""
    return {
        "owner": each.owner,
        "since_the_move": each.in_all._asdict(),
        "parts": [part._asdict() for part in each.parts],
    }
