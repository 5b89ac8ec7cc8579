"""A process that drives one cutover, or recovers those of others, and kills itself at a given failpoint:

    python -m tests.cutover.dying_controller JSON

JSON: the `databases`, each with its name, URL and secret, the `role` (controller or recovery worker) and the failpoint
`die_at`; for a controller also the business, its source and target, and whether its checks `refuse` inside the fence,
so that it aborts. Exits with 0 if it got past the failpoint.
"""

import json
import os
import signal
import sys
import time
from datetime import datetime
from typing import Any
from uuid import UUID

from monolith.cutover import failpoints
from monolith.cutover.checks import CutoverRefused, PreflightResult
from monolith.cutover.controller import Controller
from monolith.cutover.databases import Connection, RegisteredDatabase, SchedulingDatabase, SchedulingDatabases
from monolith.cutover.recovery_worker import RecoveryWorker
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.verification import RecentRows


class PassingChecks:
    """Checks that always pass; the real ones have tests of their own."""

    def check_before_fence(self, move: Cutover, source: Connection, target: Connection) -> PreflightResult:
        row = source.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        return PreflightResult(row[0], {})

    def read_source(self, move: Cutover, source: Connection, since: datetime) -> RecentRows:
        return RecentRows(since, (), {})

    def check_inside_fence(
        self, move: Cutover, source: Connection, target: Connection, source_rows: RecentRows
    ) -> dict[str, Any]:
        return {}


class RefusingChecks(PassingChecks):
    """Checks that refuse the cutover inside the fence."""

    def check_inside_fence(
        self, move: Cutover, source: Connection, target: Connection, source_rows: RecentRows
    ) -> dict[str, Any]:
        raise CutoverRefused("refused by the test")


def run(text: str) -> None:
    given = json.loads(text)
    pair = _databases(given["databases"])
    die_at = given["die_at"]

    def die(name: str) -> None:
        if name == die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    failpoints.hook = die
    if given["role"] == "recovery worker":
        _recover(pair)
        return
    with Controller(pair, RefusingChecks() if given["refuse"] else PassingChecks()) as controller:
        controller.cut_over(
            UUID(given["business"]),
            given["source"],
            given["target"],
            fence_seconds=given["fence_seconds"],
            actor="tests",
            reason="to die",
        )


def _databases(given: list[list[str]]) -> SchedulingDatabases:
    found = {name: SchedulingDatabase(name, url, secret) for name, url, secret in given}
    registered = {name: RegisteredDatabase(database, None) for name, database in found.items()}
    return SchedulingDatabases(found["monolith"], found["scheduling"], lambda: registered)


def _recover(pair: SchedulingDatabases) -> None:
    worker, until = RecoveryWorker(pair), time.monotonic() + 20
    while time.monotonic() < until and not worker.step():
        time.sleep(0.02)


if __name__ == "__main__":
    run(sys.argv[1])
