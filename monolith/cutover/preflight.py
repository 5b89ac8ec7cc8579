"""The checks before a business is fenced and inside the fence. A failed check refuses the cutover."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from contracts.scheduling.values import DatabaseName
from monolith.cutover import replication, verification
from monolith.cutover.checks import CutoverRefused, PreflightResult
from monolith.cutover.databases import Connection, DatabasePair, SchedulingDatabases
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.verification import Findings, RecentRows, Table
from monolith.cutover.verification.throttle import DATABASE_SHARE

ReadinessProbe = Callable[[DatabaseName], str | None]
"""Returns why the adapter of a database cannot serve; None when it can."""

MAX_LAG_BYTES = 1_000_000
"""A target with a larger lag would not catch up inside the fence."""
PAUSE_BEFORE_FENCE_SECONDS = 0.2
_SUBSCRIPTION = "subscription"
"""The key of the target's subscription among the findings of the preflight checks."""


class PreflightChecks:
    """The production checks: the target serves, replication streams both ways, and the copies are equal.

    `readiness` probes the target's adapter. `share` is the share of time for which the comparison of a whole business
    may keep the databases busy.
    """

    def __init__(
        self,
        databases: SchedulingDatabases,
        readiness: ReadinessProbe,
        *,
        max_lag_bytes: int = MAX_LAG_BYTES,
        share: float = DATABASE_SHARE,
    ) -> None:
        self._databases = databases
        self._readiness = readiness
        self._max_lag_bytes = max_lag_bytes
        self._share = share
        self._tables: Sequence[Table] | None = None

    def check_before_fence(self, cutover: Cutover, source: Connection, target: Connection) -> PreflightResult:
        self._require_target(cutover.target)
        _require_same_version(source, target)
        pair = self._databases.pair(cutover.source, cutover.target)
        self._require_replication(pair)
        canary = self._canary(pair, cutover.source)
        subscription = self._complete_subscription(cutover, target)
        _require_copy(target, cutover)
        findings = verification.compare(source, target, cutover.business_id, share=self._share)
        _require_equal(findings)
        self._tables = verification.read_tables(source)
        broken = verification.check_invariants(source, cutover.business_id, share=self._share)
        if broken:
            raise CutoverRefused(f"the business's own rows violate an invariant: {'; '.join(broken[:3])}")
        # Let requests that queued behind the comparison finish before the fence makes others wait.
        time.sleep(PAUSE_BEFORE_FENCE_SECONDS)
        # Compare the changes since the full comparison, so that little is left to compare inside the fence.
        recent = verification.compare_since(
            source, target, cutover.business_id, findings.compared_from, tables=self._tables
        )
        _require_equal(recent)
        return PreflightResult(
            recent.compared_from, {"compared": _summary(findings), "canary_ms": canary, _SUBSCRIPTION: subscription}
        )

    def read_source(self, cutover: Cutover, source: Connection, since: datetime) -> RecentRows:
        return verification.read_recent(source, cutover.business_id, since, tables=self._tables)

    def check_inside_fence(
        self, cutover: Cutover, source: Connection, target: Connection, source_rows: RecentRows
    ) -> dict[str, Any]:
        began = time.monotonic()
        self._require_same_subscription(cutover, target)
        # Compares the schema versions too: a migration may have run since the preflight checks.
        findings = verification.compare_recent(source, target, cutover.business_id, source_rows)
        if not findings.equal:
            _require_same_version(source, target)
        _require_equal(findings)
        return {"compared": _summary(findings), "verify_ms": round((time.monotonic() - began) * 1000, 2)}

    def _complete_subscription(self, cutover: Cutover, target: Connection) -> int:
        pair = self._databases.pair(cutover.source, cutover.target)
        direction = next(each for each in replication.directions(pair) if each.subscriber.name == cutover.target)
        found = replication.read_complete_subscription(target, direction)
        if found is None:
            raise CutoverRefused(
                f"replication from {direction} has not copied every table: see `extraction replicate status`"
            )
        return found

    def _require_same_subscription(self, cutover: Cutover, target: Connection) -> None:
        """Refuse if replication was stopped and started since the preflight checks.

        Its first copies may contain the mark of the fence, while other tables are still to be copied.
        """
        checked = next((step["found"] for step in reversed(cutover.steps) if step["state"] == "ready"), None) or {}
        if _SUBSCRIPTION in checked and self._complete_subscription(cutover, target) != checked[_SUBSCRIPTION]:
            raise CutoverRefused("replication was started again since the checks: repeat the command")

    def _require_target(self, target: DatabaseName) -> None:
        problem = self._readiness(target)
        if problem is not None:
            raise CutoverRefused(f"the {target} adapter is not ready to serve: {problem}")

    def _require_replication(self, pair: DatabasePair) -> None:
        problems = replication.find_problems(pair, max_lag_bytes=self._max_lag_bytes)
        if problems:
            raise CutoverRefused(f"replication is not healthy: {'; '.join(problems)}")

    def _canary(self, pair: DatabasePair, source: DatabaseName) -> dict[str, float]:
        try:
            canary = replication.send_canary(pair, source)
        except replication.CanaryLost as error:
            raise CutoverRefused(f"the canary row was lost: {error}") from error
        return {"there": round(canary.there_ms, 2), "back": round(canary.back_ms, 2)}


def schema_version(db: Connection) -> str:
    row = db.execute("SELECT string_agg(version_num, ',') FROM scheduling.alembic_version").fetchone()
    return "none" if row is None or row[0] is None else str(row[0])


def _require_same_version(source: Connection, target: Connection) -> None:
    at_source, at_target = schema_version(source), schema_version(target)
    if at_source != at_target:
        raise CutoverRefused(
            f"schema scheduling has version {at_source} at the source and {at_target} at the target: "
            "run `extraction replicate migrate`"
        )


def _require_copy(target: Connection, cutover: Cutover) -> None:
    """Refuse a business that the pair does not replicate, rather than compare it until its rows might arrive.

    Whatever was committed before the canary has arrived.
    """
    held = target.execute("SELECT 1 FROM scheduling.business WHERE business_id = %s", (cutover.business_id,))
    if held.fetchone() is None:
        raise CutoverRefused(
            f"{cutover.target} has no copy of it, because the replication of the two databases does not include it"
        )


def _require_equal(findings: Findings) -> None:
    if findings.equal:
        return
    named = "; ".join(f"{each.table} {each.key}: {each.what}" for each in findings.differences[:5])
    raise CutoverRefused(f"the two databases differ ({named}): see `extraction verify`")


def _summary(findings: Findings) -> dict[str, Any]:
    return {"rows": sum(each.rows for each in findings.tables.values()), "ms": round(findings.took_ms, 2)}
