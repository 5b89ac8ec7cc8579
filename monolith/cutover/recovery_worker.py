"""Ends what nobody drives any more.

A controller may die at any point. Within about half a second of a fence's deadline the keeper has aborted the move and
the old owner is written again; a decided move it rolls forward.
"""

import logging
from datetime import datetime
from typing import Any, NoReturn

from monolith.cutover.controller import Controller, CutoverRefused, PreflightResult
from monolith.cutover.databases import Connection, SchedulingDatabases
from monolith.cutover.polling_loop import PollingLoop
from monolith.cutover.states import ABORTABLE, MAY_BE_FENCED
from monolith.cutover.store import cutovers
from monolith.cutover.store.cutovers import Cutover

log = logging.getLogger(__name__)

_ABANDONED_SECONDS = 2.0
"""A move that has just begun may not be driven yet."""


class _NothingNew:
    """A keeper ends moves; it does not carry on with what was not decided."""

    def check_before_fence(self, cutover: Cutover, source: Connection, target: Connection) -> PreflightResult:
        self._refuse()

    def check_inside_fence(
        self, cutover: Cutover, source: Connection, target: Connection, since: datetime
    ) -> dict[str, Any]:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise CutoverRefused("its controller is gone")


class RecoveryWorker:
    """Call `step` again and again, from one thread. It never raises for a database that is away."""

    def __init__(self, databases: SchedulingDatabases) -> None:
        self._controller = Controller(databases, _NothingNew())
        self._loop = PollingLoop("keeper", self._controller)

    def step(self) -> int:
        """How many moves were ended."""
        return self._loop.run_once(cutovers.unsettled, self._end)

    def close(self) -> None:
        self._controller.close()

    def _end(self, cutover: Cutover) -> bool:
        if cutover.state in ABORTABLE and not self._abort(cutover):
            return False
        settled = self._controller.drive(cutover.cutover_id, patience_seconds=0.5)
        log.info("move %s of business %s: %s", cutover.cutover_id, cutover.business_id, settled.state)
        return True

    def _abort(self, cutover: Cutover) -> bool:
        """Whether it is, or has just been, for somebody else than its controller to end."""
        platform = self._controller.platform
        if cutover.state in MAY_BE_FENCED:
            return cutovers.abort(platform, cutover, "the fence's deadline passed", only_overdue=True)
        if not cutovers.abandoned(platform, cutover, _ABANDONED_SECONDS):
            return False
        return cutovers.abort(platform, cutover, "its controller is gone")
