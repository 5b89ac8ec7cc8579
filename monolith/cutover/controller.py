"""Drive a cutover through its states, starting from any state.

Several controllers may drive one cutover, in any order and after any crash: the action of a state is idempotent, and
each transition happens once. Before the decision every failure aborts the cutover; after it the cutover only rolls
forward.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from contracts.chassis.backoff import Backoff
from contracts.scheduling.values import DatabaseName
from monolith.cutover import failpoints
from monolith.cutover.checks import CutoverChecks, CutoverRefused
from monolith.cutover.databases import Connection
from monolith.cutover.extracted_module import SCHEDULING, ExtractedModule, LeaseDatabases
from monolith.cutover.states import ABORTABLE, MAY_BE_FENCED
from monolith.cutover.store import cutovers, drivers, servers
from monolith.cutover.store.cutovers import Cutover, PassedStep
from monolith.cutover.store.servers import RecoveryRequired
from monolith.cutover.verification import RecentRows
from scheduling_service.engine import lease as leases

log = logging.getLogger(__name__)

MAX_LOCK_WAIT_MS = 500
"""Writers queue behind a fence that waits for an open transaction, so the wait is much shorter than the deadline."""
MAX_COMPARISON_AGE_SECONDS = 60.0
"""A cutover resumed later is refused: too much has changed since to be compared inside the fence."""
_POLL_SECONDS = 0.001
_MARGIN_MS = 50


class Controller:
    """Drives cutovers from one thread. Connects on first use and reconnects after a lost connection."""

    def __init__(self, databases: LeaseDatabases, checks: CutoverChecks, module: ExtractedModule = SCHEDULING) -> None:
        self._databases = databases
        self._checks = checks
        self._follow_owner = module.follow_owner
        self._schema = module.schema
        self._open: dict[str, Connection] = {}

    def __enter__(self) -> "Controller":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open = {}

    @property
    def control_db(self) -> Connection:
        return self._connected("control_db", self._databases.control_db)

    def at(self, name: DatabaseName) -> Connection:
        return self._connected(name, self._databases.at(name).connect)

    def cut_over(
        self,
        business_id: UUID,
        source: DatabaseName,
        target: DatabaseName,
        *,
        fence_seconds: float,
        actor: str,
        reason: str,
    ) -> Cutover:
        """Begin a cutover and drive it to its end. Raises the errors of `cutovers.begin`."""
        for name in (source, target):
            incarnation = leases.read_incarnation(self.at(name), schema=self._schema)
            servers.require_confirmed(self.control_db, name, incarnation)
        begun = cutovers.begin(
            self.control_db, business_id, source, target, fence_seconds=fence_seconds, actor=actor, reason=reason
        )
        return self.drive(begun.cutover_id)

    def drive(self, cutover_id: UUID, *, patience_seconds: float = 30.0) -> Cutover:
        """Drive the cutover until it is settled: `active`, or `aborted` with the source's lease active.

        Retries while a database is unreachable, up to `patience_seconds` after the last successful step; then raises
        psycopg.Error and leaves the cutover to `resume` or the cutover daemon. Raises RecoveryRequired, with nothing
        changed, after a restore or a failover.
        """
        backoff, last, cutover = Backoff(first=0.02, longest=0.5), time.monotonic(), None
        while True:
            try:
                if cutover is None:
                    cutover = self._load(cutover_id)
                if cutover.settled_at is not None:
                    drivers.release_driver(self.control_db, cutover_id)
                    return cutover
                cutover = self._step(cutover)
                last = time.monotonic()
            except psycopg.Error as error:
                if time.monotonic() - last > patience_seconds:
                    raise
                self._handle_database_error(cutover_id, error)
                cutover = None
                time.sleep(backoff.failed())

    def _load(self, cutover_id: UUID) -> Cutover:
        if not servers.is_record_confirmed(self.control_db):
            raise RecoveryRequired("monolith")
        drivers.claim_driver(self.control_db, cutover_id)
        return cutovers.get(self.control_db, cutover_id)

    def _handle_database_error(self, cutover_id: UUID, error: psycopg.Error) -> None:
        """Abort an undecided cutover, so that the business does not wait for an unreachable database."""
        problem = " ".join(str(error).split()) or type(error).__name__
        log.warning("cutover %s waits for a database: %s", cutover_id, problem)
        self.close()
        try:
            cutover = cutovers.get(self.control_db, cutover_id)
            if cutover.state in ABORTABLE:
                self._abort(cutover, f"a database could not be used: {problem}")
        except psycopg.Error:
            self.close()

    def _step(self, cutover: Cutover) -> Cutover | None:
        """Return the cutover after the step; None when it has to be read again."""
        steps: dict[str, Callable[[Cutover], Cutover | None]] = {
            "replicating": self._check,
            "ready": self._request_fence,
            **dict.fromkeys(MAY_BE_FENCED, self._resume_fence),
            "decided": self._activate,
            "aborted": self._release,
        }
        try:
            return steps[cutover.state](cutover)
        except CutoverRefused as refusal:
            self._abort(cutover, str(refusal))
            return None

    def _check(self, cutover: Cutover) -> Cutover | None:
        checked = self._checks.check_before_fence(cutover, self.at(cutover.source), self.at(cutover.target))
        return self._advance(cutover, "ready", checked.found, compared_from=checked.compared_from)

    def _request_fence(self, cutover: Cutover) -> Cutover | None:
        age = cutovers.seconds_since(self.control_db, cutover, "ready")
        if age > MAX_COMPARISON_AGE_SECONDS:
            raise CutoverRefused(
                f"the full comparison is {age:.0f} s old (maximum {MAX_COMPARISON_AGE_SECONDS:g} s): "
                "start a new cutover"
            )
        # Connect and prepare before the fence, while the business is still in use.
        leases.prepare_fence(self.at(cutover.source), schema=self._schema)
        leases.prepare_activation(self.at(cutover.target), schema=self._schema)
        cutovers.prepare_decision(self.control_db)
        began = time.monotonic()
        fenced = self._advance(cutover, "fenced")
        left = cutover.fence_seconds - (time.monotonic() - began)
        return None if fenced is None else self._fence_and_decide(fenced, left)

    def _resume_fence(self, cutover: Cutover) -> Cutover | None:
        return self._fence_and_decide(cutover, self._remaining_seconds(cutover))

    def _fence_and_decide(self, cutover: Cutover, left: float) -> Cutover | None:
        """Fence, drain, verify and decide, without a commit in between: after a crash all of it is repeated."""
        began = time.monotonic()
        fence = self._fence(cutover, left)
        fenced = time.monotonic()
        with ThreadPoolExecutor(1, "read source") as aside:
            reading = aside.submit(self._read_source, cutover, self.at(cutover.source))
            failpoints.reach("before drained")
            self._drain(cutover, began + left)
            drained = time.monotonic()
            failpoints.reach("after drained")
            found = self._verify(cutover, reading.result())
        verified = time.monotonic()
        times = {"fence_ms": round((fenced - began) * 1000, 2), "drain_ms": round((drained - fenced) * 1000, 2)}
        failpoints.reach("before decided")
        now = time.monotonic()
        passed = (
            PassedStep("drained", {"lsn": fence.lsn, **times}, now - drained),
            PassedStep("verified", found, now - verified),
        )
        decided = cutovers.decide(self.control_db, cutover, passed)
        failpoints.reach("after decided")
        if decided is None:
            self._remaining_seconds(cutovers.get(self.control_db, cutover.cutover_id))
        return decided

    def _fence(self, cutover: Cutover, left: float) -> leases.Fenced:
        failpoints.reach("before fence")
        try:
            fenced = leases.fence(
                self.at(cutover.source),
                cutover.business_id,
                epoch=cutover.epoch,
                attempt=cutover.attempt,
                wait_ms=min(MAX_LOCK_WAIT_MS, int(left * 1000) - _MARGIN_MS),
                schema=self._schema,
            )
        except leases.WritersStillActive as error:
            raise CutoverRefused(f"{error}: end these transactions, then repeat the command") from error
        failpoints.reach("after fence")
        if fenced is None:
            raise CutoverRefused(f"the lease of the {cutover.source} database does not match: it was not fenced")
        return fenced

    def _drain(self, cutover: Cutover, until: float) -> None:
        target = self.at(cutover.target)
        while not leases.has_watermark(target, cutover.business_id, cutover.attempt, schema=self._schema):
            if time.monotonic() >= until:
                raise CutoverRefused(
                    f"replication to the {cutover.target} database did not catch up within "
                    f"{cutover.fence_seconds:g} s: see `extraction replicate status`"
                )
            time.sleep(_POLL_SECONDS)

    def _read_source(self, cutover: Cutover, source: Connection) -> RecentRows:
        assert cutover.compared_from is not None, "a fenced cutover was compared before the fence"
        return self._checks.read_source(cutover, source, cutover.compared_from)

    def _verify(self, cutover: Cutover, source_rows: RecentRows) -> dict[str, Any]:
        failpoints.reach("before verified")
        found = self._checks.check_inside_fence(cutover, self.at(cutover.source), self.at(cutover.target), source_rows)
        failpoints.reach("after verified")
        return found

    def _activate(self, cutover: Cutover) -> Cutover | None:
        failpoints.reach("before activate")
        lease = leases.activate(
            self.at(cutover.target),
            cutover.business_id,
            epoch=cutover.epoch + 1,
            attempt=cutover.attempt,
            incarnation=cutover.target_incarnation,
            schema=self._schema,
        )
        failpoints.reach("after activate")
        if lease is None or lease.epoch <= cutover.epoch:
            raise RecoveryRequired(cutover.target)
        return self._finish(cutover)

    def _finish(self, cutover: Cutover) -> Cutover | None:
        """Record the end, and let the flag follow in the same transaction: no crash leaves it behind the owner."""
        failpoints.reach("before active")
        with self.control_db.transaction():
            advanced = cutovers.advance(self.control_db, cutover)
            if advanced is not None:
                self._follow_owner(self.control_db, cutover)
        failpoints.reach("after active")
        return advanced

    def _release(self, cutover: Cutover) -> Cutover | None:
        failpoints.reach("before release")
        source = self.at(cutover.source)
        leases.release(source, cutover.business_id, epoch=cutover.epoch, attempt=cutover.attempt, schema=self._schema)
        failpoints.reach("after release")
        failpoints.reach("before settle")
        cutovers.settle_aborted(self.control_db, cutover)
        failpoints.reach("after settle")
        return None

    def _remaining_seconds(self, cutover: Cutover) -> float:
        """Return the seconds until the fence's deadline. Raises CutoverRefused when it has passed."""
        left = cutovers.seconds_left(self.control_db, cutover)
        if cutover.state in ABORTABLE and left <= 0:
            raise CutoverRefused(f"the fence's deadline of {cutover.fence_seconds:g} s passed")
        return left

    def _advance(
        self,
        cutover: Cutover,
        following: str,
        found: dict[str, Any] | None = None,
        compared_from: datetime | None = None,
    ) -> Cutover | None:
        """Return None when another controller was faster or the cutover was aborted; the next step reads it again."""
        failpoints.reach(f"before {following}")
        advanced = cutovers.advance(self.control_db, cutover, found, compared_from=compared_from)
        failpoints.reach(f"after {following}")
        if advanced is None:
            current = cutovers.get(self.control_db, cutover.cutover_id)
            if current.state == cutover.state:
                self._remaining_seconds(current)
        return advanced

    def _abort(self, cutover: Cutover, problem: str) -> None:
        failpoints.reach("before abort")
        cutovers.abort(self.control_db, cutover, problem)
        failpoints.reach("after abort")

    def _connected(self, name: str, connect: Callable[[], Connection]) -> Connection:
        connection = self._open.get(name)
        if connection is None or connection.closed or connection.broken:
            connection = self._open[name] = connect()
        return connection
