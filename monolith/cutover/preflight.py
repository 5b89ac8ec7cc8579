"""What must hold before a business is fenced, and inside the fence: a guard rail that does not refuses the move."""

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from msgspec import to_builtins
from uuid_utils.compat import uuid7

from contracts.scheduling.values import DatabaseName
from monolith.cutover import replication, verification
from monolith.cutover.controller import CutoverRefused, PreflightResult
from monolith.cutover.databases import Connection, SchedulingDatabases
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.verification import Findings, Table
from monolith.cutover.verification.throttle import DATABASE_SHARE

ReadinessProbe = Callable[[DatabaseName], str | None]
"""Why a side would not serve a business, in words; None when it would."""

MAX_LAG_BYTES = 1_000_000
"""A target this far behind would not catch up inside a fence."""
PAUSE_BEFORE_FENCE_SECONDS = 0.2


class PreflightChecks:
    """The product's own: both sides are well, replication flows both ways, and the copies are the same.

    `answers` asks a side whether it serves (the service over HTTP, as the monolith will call it). `share` is how much
    of the databases' time the comparison of a whole business may take.
    """

    def __init__(
        self,
        databases: SchedulingDatabases,
        answers: ReadinessProbe,
        *,
        most_lag_bytes: int = MAX_LAG_BYTES,
        share: float = DATABASE_SHARE,
    ) -> None:
        self._databases = databases
        self._answers = answers
        self._most_lag_bytes = most_lag_bytes
        self._share = share
        self._tables: Sequence[Table] | None = None

    def check_before_fence(self, cutover: Cutover, source: Connection, target: Connection) -> PreflightResult:
        self._require_target(cutover.target)
        _require_one_version(source, target)
        self._require_replication()
        canary = self._canary(cutover.source)
        findings = verification.compare(source, target, cutover.business_id, share=self._share)
        _require_equal(findings)
        self._tables = verification.read_tables(source)
        broken = verification.check_invariants(source, cutover.business_id, share=self._share)
        if broken:
            raise CutoverRefused(f"the business's own rows break a promise: {'; '.join(broken[:3])}")
        # Whoever waited behind the comparison is served before anybody has to wait for the fence.
        time.sleep(PAUSE_BEFORE_FENCE_SECONDS)
        # What changed since it began; so that little is left to be compared while everybody waits.
        lately = verification.compare_since(
            source, target, cutover.business_id, findings.compared_from, tables=self._tables
        )
        _require_equal(lately)
        return PreflightResult(lately.compared_from, {"compared": _summary(findings), "canary_ms": canary})

    def check_inside_fence(
        self, cutover: Cutover, source: Connection, target: Connection, since: datetime
    ) -> dict[str, Any]:
        began = time.monotonic()
        # A migration may have begun since the move did.
        _require_one_version(source, target)
        findings = verification.compare_recent(source, target, cutover.business_id, since, tables=self._tables)
        _require_equal(findings)
        return {"compared": _summary(findings), "verify_ms": round((time.monotonic() - began) * 1000, 2)}

    def _require_target(self, side: DatabaseName) -> None:
        problem = self._answers(side)
        if problem is not None:
            raise CutoverRefused(f"the {self._databases.at(side).name} side is not ready to serve: {problem}")

    def _require_replication(self) -> None:
        problems = replication.find_problems(self._databases, most_lag_bytes=self._most_lag_bytes)
        if problems:
            raise CutoverRefused(f"replication is not to be relied on: {'; '.join(problems)}")

    def _canary(self, side: DatabaseName) -> dict[str, float]:
        try:
            canary = replication.send_canary(self._databases, side)
        except replication.CanaryLost as error:
            raise CutoverRefused(f"a row did not go there and back: {error}") from error
        return {"there": round(canary.there_ms, 2), "back": round(canary.back_ms, 2)}


def schema_version(db: Connection) -> str:
    row = db.execute("SELECT string_agg(version_num, ',') FROM scheduling.alembic_version").fetchone()
    return "none" if row is None or row[0] is None else str(row[0])


def store_findings(platform: Connection, business_id: object, findings: Findings) -> None:
    """Write down what a whole comparison found: when a business was last known to be the same on both sides."""
    platform.execute(
        """
        INSERT INTO platform.verification (verification_id, business_id, equal, findings)
        VALUES (%s, %s, %s, %s::jsonb)
        """,
        (uuid7(), business_id, findings.equal, _json(findings)),
    )


def _json(findings: Findings) -> str:
    return json.dumps(to_builtins(findings))


def _require_one_version(source: Connection, target: Connection) -> None:
    one, other = schema_version(source), schema_version(target)
    if one != other:
        raise CutoverRefused(
            f"schema scheduling has version {one} at the source and {other} at the target: "
            "run `extraction db setup` for the older one"
        )


def _require_equal(findings: Findings) -> None:
    if findings.equal:
        return
    named = "; ".join(f"{each.table} {each.key}: {each.what}" for each in findings.differences[:5])
    raise CutoverRefused(f"the two sides differ ({named}): see `extraction verify`")


def _summary(findings: Findings) -> dict[str, Any]:
    return {"rows": sum(each.rows for each in findings.tables.values()), "ms": round(findings.took_ms, 2)}
