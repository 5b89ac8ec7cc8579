"""Ends what nobody drives any more.

A controller may die at any point. Within about half a second of a fence's deadline the keeper has aborted the move and
the old owner is written again; a decided move it rolls forward.
"""

import logging
from datetime import datetime
from typing import Any, NoReturn

from monolith.cutover import record
from monolith.cutover.controller import Checked, Controller, Refused
from monolith.cutover.record import Move
from monolith.cutover.rounds import Rounds
from monolith.cutover.sides import Connection, Sides
from monolith.cutover.states import ABORTABLE, MAY_BE_FENCED

log = logging.getLogger(__name__)

_ABANDONED_SECONDS = 2.0
"""A move that has just begun may not be driven yet."""


class _NothingNew:
    """A keeper ends moves; it does not carry on with what was not decided."""

    def before(self, move: Move, source: Connection, target: Connection) -> Checked:
        self._refuse()

    def inside(self, move: Move, source: Connection, target: Connection, since: datetime) -> dict[str, Any]:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise Refused("its controller is gone")


class Keeper:
    """Call `step` again and again, from one thread. It never raises for a database that is away."""

    def __init__(self, sides: Sides) -> None:
        self._controller = Controller(sides, _NothingNew())
        self._rounds = Rounds("keeper", self._controller)

    def step(self) -> int:
        """How many moves were ended."""
        return self._rounds.go(record.unsettled, self._end)

    def close(self) -> None:
        self._controller.close()

    def _end(self, move: Move) -> bool:
        if move.state in ABORTABLE and not self._abort(move):
            return False
        settled = self._controller.drive(move.cutover_id, patience_seconds=0.5)
        log.info("move %s of business %s: %s", move.cutover_id, move.business_id, settled.state)
        return True

    def _abort(self, move: Move) -> bool:
        """Whether it is, or has just been, for somebody else than its controller to end."""
        platform = self._controller.platform
        if move.state in MAY_BE_FENCED:
            return record.abort(platform, move, "the fence's deadline passed", only_overdue=True)
        if not record.abandoned(platform, move, _ABANDONED_SECONDS):
            return False
        return record.abort(platform, move, "its controller is gone")
