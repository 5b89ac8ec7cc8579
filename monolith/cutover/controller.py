"""Drives a move through its states, from whatever state it finds it in.

Any number of controllers may drive one move, in any order and after any crash: what a state asks for may be done twice,
and each transition happens once. Before the decision anything that goes wrong aborts; after it, only forward.
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

DURABLE_STEPS = (
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
"""What a move makes durable; `before` and `after` each there is a failpoint. Transitions bear their state's name."""

MAX_LOCK_WAIT_MS = 500
"""Writers queue behind a fence that waits for an open transaction, so it gives up long before its deadline."""
MAX_COMPARISON_AGE_SECONDS = 60.0
"""A move that is carried on much later has not been compared: what changed since is more than a fence has time for."""
_LOOK_AGAIN = 0.001
_MARGIN_MS = 50


class CutoverRefused(Exception):
    """A guard rail does not hold, or the two sides differ. Nothing was moved."""


class PreflightResult(NamedTuple):
    """What the checks before a fence found. `compared_from` is the source's clock before the comparison began."""

    compared_from: datetime
    found: dict[str, Any]


class CutoverChecks(Protocol):
    """What a move asks of its surroundings; may take long, and changes nothing of the business."""

    def check_before_fence(self, cutover: Cutover, source: Connection, target: Connection) -> PreflightResult:
        """Guard rails and whole comparison, while the business is served. Raises Refused."""

    def check_inside_fence(
        self, cutover: Cutover, source: Connection, target: Connection, since: datetime
    ) -> dict[str, Any]:
        """What changed lately, while nobody writes. Raises Refused."""


class Controller:
    """One process's; not for several threads at once. Connects when it is needed, and again after it was cut off."""

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
    def platform(self) -> Connection:
        return self._connected("platform", self._databases.platform)

    def at(self, side: DatabaseName) -> Connection:
        return self._connected(side, self._databases.at(side).connect)

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
        """Begin a move and drive it to its end. Raises what `cutovers.begin` raises."""
        begun = cutovers.begin(
            self.platform, business_id, source, target, fence_seconds=fence_seconds, actor=actor, reason=reason
        )
        return self.drive(begun.cutover_id)

    def drive(self, cutover_id: UUID, *, patience_seconds: float = 30.0) -> Cutover:
        """Until the move is settled: `active`, or `aborted` with the source's lease on.

        A database that is away is waited for, `patience_seconds` since anything last went well; then psycopg's error is
        raised, and the move stays for `resume`.
        """
        backoff, last, cutover = Backoff(first=0.02, longest=0.5), time.monotonic(), None
        while True:
            try:
                if cutover is None:
                    cutover = self._look(cutover_id)
                if cutover.settled_at is not None:
                    cutovers.release_driver(self.platform, cutover_id)
                    return cutover
                cutover = self._step(cutover)
                last = time.monotonic()
            except psycopg.Error as error:
                if time.monotonic() - last > patience_seconds:
                    raise
                self._stumble(cutover_id, error)
                cutover = None
                time.sleep(backoff.failed())

    def _look(self, cutover_id: UUID) -> Cutover:
        cutovers.claim_driver(self.platform, cutover_id)
        return cutovers.get(self.platform, cutover_id)

    def _stumble(self, cutover_id: UUID, error: psycopg.Error) -> None:
        """Nobody should wait for a database that is away: before the decision the move ends."""
        problem = " ".join(str(error).split()) or type(error).__name__
        log.warning("move %s waits: %s", cutover_id, problem)
        self.close()
        try:
            cutover = cutovers.get(self.platform, cutover_id)
            if cutover.state in ABORTABLE:
                self._abort(cutover, f"a database could not be used: {problem}")
        except psycopg.Error:
            self.close()

    def _step(self, cutover: Cutover) -> Cutover | None:
        """The move as it stands then; None when that has to be looked up."""
        steps: dict[str, Callable[[Cutover], Cutover | None]] = {
            "replicating": self._check,
            "ready": self._want_fence,
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

    def _want_fence(self, cutover: Cutover) -> Cutover | None:
        age = cutovers.seconds_since(self.platform, cutover, "ready")
        if age > MAX_COMPARISON_AGE_SECONDS:
            raise CutoverRefused(
                f"the whole comparison is {age:.0f} s old, and may be {MAX_COMPARISON_AGE_SECONDS:g} s old at most: "
                "move the business anew"
            )
        # The connections stand before the fence does: what takes time is done while the business is served.
        self.at(cutover.source).execute("SELECT 1")
        self.at(cutover.target).execute("SELECT 1")
        return self._advance(cutover, "fenced")

    def _fence_and_drain(self, cutover: Cutover) -> Cutover | None:
        left = self._left(cutover)
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
            raise CutoverRefused(f"{error}: end them, and move the business then") from error
        failpoints.reach("after fence")
        if fenced is None:
            raise CutoverRefused(
                f"the lease of the {self._databases.at(cutover.source).name} database is not the one to be fenced"
            )
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
                    f"replication to the {self._databases.at(cutover.target).name} database did not catch up within "
                    f"{cutover.fence_seconds:g} s: see `extraction replicate status`"
                )
            time.sleep(_LOOK_AGAIN)

    def _verify(self, cutover: Cutover) -> Cutover | None:
        assert cutover.compared_from is not None, "what is drained was compared"
        found = self._checks.check_inside_fence(
            cutover, self.at(cutover.source), self.at(cutover.target), cutover.compared_from
        )
        return self._advance(cutover, "verified", found)

    def _decide(self, cutover: Cutover) -> Cutover | None:
        failpoints.reach("before decided")
        decided = cutovers.decide(self.platform, cutover)
        failpoints.reach("after decided")
        if not decided:
            self._left(cutovers.get(self.platform, cutover.cutover_id))
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
        cutovers.settle_aborted(self.platform, cutover)
        failpoints.reach("after settle")
        return None

    def _left(self, cutover: Cutover) -> float:
        """Seconds until the fence's deadline. Raises Refused when it has passed: from then on nothing is decided."""
        left = cutovers.seconds_left(self.platform, cutover)
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
        """Without effect when another controller was faster, or the move was aborted: the next step looks again."""
        failpoints.reach(f"before {following}")
        advanced = cutovers.advance(self.platform, cutover, found, compared_from=compared_from)
        failpoints.reach(f"after {following}")
        if advanced is None:
            current = cutovers.get(self.platform, cutover.cutover_id)
            if current.state == cutover.state:
                self._left(current)
        return advanced

    def _abort(self, cutover: Cutover, problem: str) -> None:
        failpoints.reach("before abort")
        cutovers.abort(self.platform, cutover, problem)
        failpoints.reach("after abort")

    def _connected(self, name: str, connect: Callable[[], Connection]) -> Connection:
        connection = self._open.get(name)
        if connection is None or connection.closed or connection.broken:
            connection = self._open[name] = connect()
        return connection
