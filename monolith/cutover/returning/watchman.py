"""Moves guarded businesses back; one resident process does, beside the keeper's own work."""

import logging
import time
from typing import Any
from uuid import UUID

from monolith.cutover.controller import Checks, Controller
from monolith.cutover.record import AlreadyMoving, NotThere
from monolith.cutover.returning import guard as guards
from monolith.cutover.returning.guard import ACTOR, Watching
from monolith.cutover.returning.verdict import beyond
from monolith.cutover.rounds import Rounds
from monolith.cutover.sides import Sides, other

log = logging.getLogger(__name__)

FENCE_SECONDS = 2.0
TRY_AGAIN_SECONDS = 5.0


class Watchman:
    """Call `step` again and again, from one thread. It never raises for a database that is away.

    `checks` are those of any move: a business goes back only when nothing is lost by it, and is tried again as long as
    it is served badly.
    """

    def __init__(self, sides: Sides, checks: Checks) -> None:
        self._controller = Controller(sides, checks)
        self._rounds = Rounds("watchman", self._controller)
        self._not_before: dict[UUID, float] = {}

    def step(self) -> int:
        """How many guards ended."""
        return self._rounds.go(guards.watching, self._look)

    def close(self) -> None:
        self._controller.close()

    def _look(self, each: Watching) -> bool:
        if each.moved_by is not None:
            self._settle(each, each.moved_by)
            return True
        verdict = beyond(each.guard.bound, each.parts)
        if verdict is not None:
            return self._return(each, verdict)
        if each.over:
            self._end(each, "kept", each.guard.problem or "its time passed")
        return each.over

    def _settle(self, each: Watching, moved_by: str) -> None:
        """Also when this process died after its own move, or the keeper carried it on."""
        if moved_by == ACTOR:
            self._end(each, "returned", each.guard.problem or "it was served beyond its bound")
        else:
            self._end(each, "superseded", f"the business was moved by {moved_by} since")

    def _return(self, each: Watching, verdict: str) -> bool:
        guard_id = each.guard.guard_id
        if time.monotonic() < self._not_before.get(guard_id, 0.0):
            return False
        self._not_before[guard_id] = time.monotonic() + TRY_AGAIN_SECONDS
        log.warning("business %s goes back to %s: %s", each.guard.business_id, each.guard.home, verdict)
        problem = self._move(each, verdict)
        if problem is None:
            self._end(each, "returned", verdict)
            return True
        log.error("business %s cannot go back: %s", each.guard.business_id, problem)
        guards.stumble(self._controller.platform, each.guard, f"{verdict}; but {problem}", _evidence(each))
        return False

    def _move(self, each: Watching, verdict: str) -> str | None:
        """Why it did not go back, if it did not."""
        home = each.guard.home
        try:
            moved = self._controller.move(
                each.guard.business_id, other(home), home, fence_seconds=FENCE_SECONDS, actor=ACTOR, reason=verdict
            )
        except AlreadyMoving:
            return "it is being moved"
        except NotThere:
            return "it was moved by somebody else"
        return None if moved.state == "active" else moved.problem or moved.state

    def _end(self, each: Watching, outcome: guards.Outcome, reason: str) -> None:
        self._not_before.pop(each.guard.guard_id, None)
        guards.end(self._controller.platform, each.guard, outcome, reason, _evidence(each))


def _evidence(each: Watching) -> dict[str, Any]:
    """Calls for the business since it was moved, and in each part of the time that decides."""
    return {
        "owner": each.owner,
        "since_the_move": each.in_all._asdict(),
        "parts": [part._asdict() for part in each.parts],
    }
