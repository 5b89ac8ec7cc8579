"""Drive a cutover through its states, starting from any state.

Several controllers may drive one cutover, in any order and after any crash: the action of a state is idempotent, and
each transition happens once. Before the decision every failure aborts the cutover; after it the cutover only rolls
forward.
"""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import psycopg

from contracts.chassis.backoff import Backoff
from contracts.scheduling.values import DatabaseName
from monolith.cutover import failpoints
from monolith.cutover.databases import Connection, SchedulingDatabases
from monolith.cutover.states import ABORTABLE
from monolith.cutover.store import cutovers
from monolith.cutover.store.cutovers import Cutover
from scheduling_service.engine import lease as leases

log = logging.getLogger(__name__)

FAILPOINT_STEPS = (
    "ready",
    "fenced",
    "fence",
    "drained",
    "verified",
    "decided",
    "activate",
    "active",
    "abort",
    "release",
    "settle",
)
"""Every durable step of a cutover, with a failpoint before and after each. A transition has the name of its new
state."""

MAX_LOCK_WAIT_MS = 500
"""Writers queue behind a fence that waits for an open transaction, so the wait is much shorter than the deadline."""
MAX_COMPARISON_AGE_SECONDS = 60.0
"""A cutover resumed later is refused: too much has changed since to be compared inside the fence."""
_POLL_SECONDS = 0.001
_MARGIN_MS = 50


class CutoverRefused(Exception):
    """A preflight check failed, or the two databases differ. The owner is unchanged."""


class PreflightResult(NamedTuple):
    """Result of the checks before a fence. `compared_from` is the time of the source's clock before the comparison."""

    compared_from: datetime
    found: dict[str, Any]


class CutoverChecks(Protocol):
    """The checks that a cutover depends on. They may take long and change no row of the business."""

    def check_before_fence(self, cutover: Cutover, source: Connection, target: Connection) -> PreflightResult:
        """Run the preflight checks and compare the whole business while it is in use. Raises CutoverRefused."""

    def check_inside_fence(
        self, cutover: Cutover, source: Connection, target: Connection, since: datetime
    ) -> dict[str, Any]:
        """Compare the recent changes while all writes are fenced. Raises CutoverRefused."""


class Controller:
    """Drives cutovers from one thread. Connects on first use and reconnects after a lost connection."""

    def __init__(self, databases: SchedulingDatabases, checks: CutoverChecks) -> None:
        self._databases = databases
        self._checks = checks
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
        begun = cutovers.begin(
            self.control_db, business_id, source, target, fence_seconds=fence_seconds, actor=actor, reason=reason
        )
        return self.drive(begun.cutover_id)

    def drive(self, cutover_id: UUID, *, patience_seconds: float = 30.0) -> Cutover:
        """Drive the cutover until it is settled: `active`, or `aborted` with the source's lease active.

        Retries while a database is unreachable, up to `patience_seconds` after the last successful step; then raises
        psycopg.Error and leaves the cutover to `resume` or the cutover daemon.
        """
        backoff, last, cutover = Backoff(first=0.02, longest=0.5), time.monotonic(), None
        while True:
            try:
                if cutover is None:
                    cutover = self._load(cutover_id)
                if cutover.settled_at is not None:
                    cutovers.release_driver(self.control_db, cutover_id)
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
        cutovers.claim_driver(self.control_db, cutover_id)
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
            "fenced": self._fence_and_drain,
            "drained": self._verify,
            "verified": self._decide,
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
        # Connect before the fence, while the business is still in use.
        self.at(cutover.source).execute("SELECT 1")
        self.at(cutover.target).execute("SELECT 1")
        return self._advance(cutover, "fenced")

    def _fence_and_drain(self, cutover: Cutover) -> Cutover | None:
        left = self._remaining_seconds(cutover)
        failpoints.reach("before fence")
        began = time.monotonic()
        try:
            fenced = leases.fence(
                self.at(cutover.source),
                cutover.business_id,
                epoch=cutover.epoch,
                attempt=cutover.attempt,
                wait_ms=min(MAX_LOCK_WAIT_MS, int(left * 1000) - _MARGIN_MS),
            )
        except leases.WritersStillActive as error:
            raise CutoverRefused(f"{error}: end these transactions, then repeat the command") from error
        failpoints.reach("after fence")
        if fenced is None:
            raise CutoverRefused(f"the lease of the {cutover.source} database does not match: it was not fenced")
        locked = time.monotonic()
        self._drain(cutover, began + left)
        found = {
            "lsn": fenced.lsn,
            "fence_ms": round((locked - began) * 1000, 2),
            "drain_ms": round((time.monotonic() - locked) * 1000, 2),
        }
        return self._advance(cutover, "drained", found)

    def _drain(self, cutover: Cutover, until: float) -> None:
        target = self.at(cutover.target)
        while not leases.has_watermark(target, cutover.business_id, cutover.attempt):
            if time.monotonic() >= until:
                raise CutoverRefused(
                    f"replication to the {cutover.target} database did not catch up within "
                    f"{cutover.fence_seconds:g} s: see `extraction replicate status`"
                )
            time.sleep(_POLL_SECONDS)

    def _verify(self, cutover: Cutover) -> Cutover | None:
        assert cutover.compared_from is not None, "a drained cutover was compared before the fence"
        found = self._checks.check_inside_fence(
            cutover, self.at(cutover.source), self.at(cutover.target), cutover.compared_from
        )
        return self._advance(cutover, "verified", found)

    def _decide(self, cutover: Cutover) -> Cutover | None:
        failpoints.reach("before decided")
        decided = cutovers.decide(self.control_db, cutover)
        failpoints.reach("after decided")
        if not decided:
            self._remaining_seconds(cutovers.get(self.control_db, cutover.cutover_id))
        return None

    def _activate(self, cutover: Cutover) -> Cutover | None:
        failpoints.reach("before activate")
        leases.activate(self.at(cutover.target), cutover.business_id, epoch=cutover.epoch + 1, attempt=cutover.attempt)
        failpoints.reach("after activate")
        return self._advance(cutover, "active")

    def _release(self, cutover: Cutover) -> Cutover | None:
        failpoints.reach("before release")
        leases.release(self.at(cutover.source), cutover.business_id, epoch=cutover.epoch, attempt=cutover.attempt)
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
