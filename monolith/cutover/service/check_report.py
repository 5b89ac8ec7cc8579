"""The cheap checks before a cutover, each with its value and limit, for an operator to see before asking for one."""

from collections.abc import Callable
from typing import NamedTuple

import psycopg

from contracts.scheduling.values import DatabaseName
from monolith.cutover import replication
from monolith.cutover.databases import DatabasePair, SchedulingDatabases
from monolith.cutover.preflight import MAX_LAG_BYTES, ReadinessProbe, schema_version
from monolith.cutover.service.cutovers import CutoverService
from monolith.cutover.store import cutovers
from monolith.shared.endpoints import BusinessRef


class CheckResult(NamedTuple):
    """One check, measured at the moment of the call. A cutover is refused while one has not passed."""

    name: str
    passed: bool
    value: str
    limit: str


class CheckReport:
    """Runs the checks that a cutover begins with, except those that compare rows: a rehearsal does those too."""

    def __init__(
        self, databases: Callable[[], SchedulingDatabases], readiness: ReadinessProbe, service: CutoverService
    ) -> None:
        self._databases, self._readiness, self._service = databases, readiness, service

    def run(self, target: DatabaseName, business: BusinessRef | None = None) -> list[CheckResult]:
        """Return every check for a cutover to `target`, of one business or of any. Never raises for a database."""
        checks, pair = [self._target(target)], self._pair(target, business)
        if pair is None:
            checks.append(CheckResult("replication", False, f"{target} is in no pair, or unknown", "a pair"))
        else:
            checks += [*self._replication(pair), self._versions(pair)]
        return [*checks, self._no_other(business)] if business is not None else checks

    def _target(self, target: DatabaseName) -> CheckResult:
        problem = self._readiness(target)
        return CheckResult(f"the {target} adapter serves", problem is None, problem or "ready", "ready")

    def _pair(self, target: DatabaseName, business: BusinessRef | None) -> DatabasePair | None:
        try:
            source = self._service.source_for(target, business)
            return None if source is None else self._databases().pair(source, target)
        except psycopg.OperationalError:
            return None

    def _replication(self, pair: DatabasePair) -> list[CheckResult]:
        status = replication.read_status(pair, max_lag_bytes=MAX_LAG_BYTES)
        return [
            CheckResult(
                f"replication {each.direction}",
                not each.problems,
                "; ".join(each.problems) or f"streaming, {each.lag:,} bytes behind",
                f"at most {MAX_LAG_BYTES:,} bytes behind",
            )
            for each in status.directions
        ]

    def _versions(self, pair: DatabasePair) -> CheckResult:
        versions = {name: self._version(name) for name in pair.names}
        same = len(set(versions.values())) == 1
        value = ", ".join(f"{name} {version}" for name, version in versions.items())
        return CheckResult("schema versions", same, value, "equal")

    def _version(self, name: DatabaseName) -> str:
        try:
            return schema_version(self._service.controller.at(name))
        except psycopg.Error as error:
            return f"unreadable ({type(error).__name__})"

    def _no_other(self, business: BusinessRef) -> CheckResult:
        try:
            found = cutovers.unsettled(self._service.controller.control_db, business.business_id)
        except psycopg.Error as error:
            return CheckResult("no other cutover", False, f"unreadable ({type(error).__name__})", "none under way")
        value = f"{found[0].state} since {found[0].began_at:%H:%M:%S} UTC" if found else "none under way"
        return CheckResult("no other cutover", not found, value, "none under way")
