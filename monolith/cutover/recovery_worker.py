"""Recover cutovers whose controller is gone.

A controller may die at any point. Within about half a second of a fence's deadline the worker has aborted the cutover
and the old owner accepts writes again; it rolls a decided cutover forward.
"""

import logging
from datetime import datetime
from typing import Any, NoReturn

from prometheus_client import CollectorRegistry

from monolith.cutover.checks import CutoverRefused, PreflightResult
from monolith.cutover.controller import Controller
from monolith.cutover.databases import Connection, SchedulingDatabases
from monolith.cutover.metrics.daemon_metrics import DaemonMetrics
from monolith.cutover.polling_loop import PollingLoop, TableChanges
from monolith.cutover.recovery.watch import ACTOR
from monolith.cutover.states import ABORTABLE, MAY_BE_FENCED
from monolith.cutover.store import cutovers, drivers, servers
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.store.servers import RecoveryRequired
from monolith.cutover.verification import RecentRows

log = logging.getLogger(__name__)

_ABANDONED_SECONDS = 2.0
"""The age at which an undecided cutover without a driver counts as abandoned; a new one may not have its driver yet."""


class _RefuseAll:
    """Checks that always refuse: the worker ends undecided cutovers and never continues them."""

    def check_before_fence(self, cutover: Cutover, source: Connection, target: Connection) -> PreflightResult:
        self._refuse()

    def read_source(self, cutover: Cutover, source: Connection, since: datetime) -> RecentRows:
        self._refuse()

    def check_inside_fence(
        self, cutover: Cutover, source: Connection, target: Connection, source_rows: RecentRows
    ) -> dict[str, Any]:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise CutoverRefused("its controller is gone")


class RecoveryWorker:
    """Call `step` repeatedly from one thread. It never raises for an unreachable database.

    `changes` are those of table `cutover`; without them every step polls.
    """

    def __init__(
        self,
        databases: SchedulingDatabases,
        changes: TableChanges | None = None,
        metrics: DaemonMetrics | None = None,
    ) -> None:
        self._controller = Controller(databases, _RefuseAll())
        self._metrics = metrics or DaemonMetrics(CollectorRegistry())
        self._loop = PollingLoop("recovery worker", self._controller, changes, self._metrics)

    def step(self) -> int:
        """Settle every abandoned, overdue or decided cutover, and return how many were settled.

        None while the record is not confirmed: in a restored record, cutovers of the past seem to be in progress.
        """
        return self._loop.run_once(_unsettled, self._settle)

    def close(self) -> None:
        self._controller.close()

    def _settle(self, cutover: Cutover) -> bool:
        if cutover.state in ABORTABLE and not self._abort(cutover):
            return False
        try:
            settled = self._controller.drive(cutover.cutover_id, patience_seconds=0.5)
        except RecoveryRequired as required:
            log.error("cutover %s cannot be settled: %s", cutover.cutover_id, required)
            return False
        self._metrics.recovered(settled.state)
        log.info("cutover %s of business %s: %s", cutover.cutover_id, cutover.business_id, settled.state)
        return True

    def _abort(self, cutover: Cutover) -> bool:
        """Abort an undecided cutover that is overdue or abandoned. Returns False when it is neither."""
        control_db = self._controller.control_db
        if cutover.state in MAY_BE_FENCED:
            return cutovers.abort(control_db, cutover, "the fence's deadline passed", actor=ACTOR, only_overdue=True)
        if not drivers.abandoned(control_db, cutover, _ABANDONED_SECONDS):
            return False
        return cutovers.abort(control_db, cutover, "its controller is gone", actor=ACTOR)


def _unsettled(control_db: Connection) -> list[Cutover]:
    return cutovers.unsettled(control_db) if servers.is_record_confirmed(control_db) else []
