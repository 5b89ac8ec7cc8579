"""Recovery after a restore or a failover, as an operator sees it: inspect, fence, plan, apply."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from uuid import UUID

from monolith.cutover import replication
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.preflight import MAX_LAG_BYTES
from monolith.cutover.recovery import (
    Choice,
    Evidence,
    RecoveryPlan,
    apply_plan,
    make_plan,
    read_evidence,
    void_everywhere,
)
from monolith.cutover.recovery.evidence import compare_rows
from monolith.cutover.service.cutovers import CutoverService
from monolith.cutover.service.errors import RecoveryInProgress, ReplicationStopIncomplete
from monolith.cutover.store import servers


class RecoveryService:
    """Compares the databases with the record and confirms leases. Raises psycopg.Error while one is unreachable."""

    def __init__(self, databases: Callable[[], SchedulingDatabases], cutovers: CutoverService) -> None:
        self._databases, self._cutovers = databases, cutovers

    @contextmanager
    def exclusively(self) -> Iterator[None]:
        """Keep other recoveries, and the daemon's watch, away within the block. Raises RecoveryInProgress."""
        with servers.recovery_lock(self._cutovers.controller.control_db) as held:
            if not held:
                raise RecoveryInProgress
            yield

    def inspect(self) -> Evidence:
        """Read the databases and the record. Changes nothing."""
        controller = self._cutovers.controller
        return read_evidence(controller.control_db, self._cutovers.databases, controller.at)

    def fence(self) -> Evidence:
        """Fence every business in every database, and read their evidence once no write is open."""
        void_everywhere(self._databases())
        return self.inspect()

    def plan(self, evidence: Evidence, choice: Mapping[UUID, Choice]) -> RecoveryPlan:
        """Compare the rows of every business and plan its recovery. Changes nothing."""
        at = self._cutovers.controller.at
        return make_plan(evidence, lambda *which: compare_rows(at, *which), choice)

    def apply(self, evidence: Evidence, plan: RecoveryPlan, *, actor: str, reason: str) -> bool:
        """Apply the plan to fenced databases; return whether replication was ended. Audited.

        A pair continues to replicate only if every copy equals its owner's rows and both directions are healthy:
        otherwise a restored server may have lost its place in the stream. Raises ReplicationStopIncomplete, with
        nothing applied.
        """
        ended = self._end_doubtful_replication(plan.all_equal)
        controller = self._cutovers.controller
        apply_plan(controller.control_db, controller.at, evidence, plan, actor=actor, reason=reason)
        return ended

    def _end_doubtful_replication(self, all_equal: bool) -> bool:
        running = [pair for pair in self._databases().pairs if replication.is_replicating(pair)]
        doubtful = [
            pair for pair in running if not all_equal or replication.find_problems(pair, max_lag_bytes=MAX_LAG_BYTES)
        ]
        problems = [problem for pair in doubtful for problem in replication.stop(pair)]
        if problems:
            raise ReplicationStopIncomplete(problems)
        return bool(doubtful)
