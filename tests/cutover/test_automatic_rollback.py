"""Automatic rollback: a business whose calls fail or are slow after its cutover returns without loss."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import SchedulingError, Unavailable
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from monolith.cutover.call_stats import CallStats
from monolith.cutover.checks import CutoverRefused
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.rollback.rollback_reports import RollbackReports
from monolith.cutover.rollback.rollback_worker import RollbackWorker
from monolith.cutover.rollback.thresholds import RollbackThresholds
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.store.rollback_policies import active_policies, latest_policy, start_policy
from monolith.operators import operators_auth
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.change_listener import ChangeNotice
from monolith.shared.flags.store import FlagStore
from tests.contract.port.shop import Shop
from tests.cutover.dying_controller import PassingChecks
from tests.cutover.writers import opened, switched_port
from tests.polling import eventually

THRESHOLDS = RollbackThresholds(most_failed=0.1, p95_ms=5000.0, for_seconds=3.0)


class FaultyPort(SchedulingPort):
    """A port between the monolith and the adapters that delays reads or makes them fail."""

    def __init__(self, port: SchedulingPort) -> None:
        self._port = port
        self.fails = False
        self.waits = 0.0

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        if not operation.writes:
            time.sleep(self.waits)
            if self.fails:
                raise Unavailable("The service is unreachable.", retry_after=1)
        return self._port.call(operation, ctx, request)


class RollbackSetup(NamedTuple):
    pair: SchedulingDatabases
    shop: Shop
    faulty_port: FaultyPort
    calls: CallStats
    worker: RollbackWorker
    flags: FlagStore

    def cut_over(self, to: DatabaseName) -> Cutover:
        with Controller(self.pair, PreflightChecks(self.pair, lambda database: None)) as controller:
            moved = controller.cut_over(
                self.shop.business_id,
                self.pair.extraction.partner_of(to),
                to,
                fence_seconds=5.0,
                actor="tests",
                reason="to see",
            )
        assert moved.state == "active", moved.problem
        return moved

    def start_policy(
        self, move: Cutover, *, thresholds: RollbackThresholds = THRESHOLDS, watch_seconds: float = 600.0
    ) -> None:
        with self.pair.control_db() as control_db:
            start_policy(control_db, move, thresholds, watch_seconds=watch_seconds)
        self.calls.refresh(ChangeNotice("rollback_policy", str(move.business_id)))

    def use(self, seconds: float) -> int:
        """Read repeatedly while the worker runs, until a policy ends. Returns how many ended."""
        until, ended = time.monotonic() + seconds, 0
        while time.monotonic() < until and not ended:
            with suppress(SchedulingError):
                self.shop.port.list_offerings(self.shop.customer.reads(), m.ListOfferings())
            ended += self.worker.step()
            time.sleep(0.01)
        return ended

    def outcome(self) -> str | None:
        with self.pair.control_db() as control_db:
            policy = latest_policy(control_db, self.shop.business_id)
        assert policy is not None
        return policy.outcome

    def audited(self, action: str) -> list[Any]:
        mine = f"scheduling.adapter business:{self.shop.business_id}"
        return [each for each in self.flags.changes(1000) if (each.action, each.subject) == (action, mine)]


@pytest.fixture
def setup(replicated: SchedulingDatabases) -> Iterator[RollbackSetup]:
    platform = ModuleDatabase(replicated.monolith.url, role="platform_app", secret=replicated.monolith.secret)
    cutover = ModuleDatabase(replicated.monolith.url, role="cutover_app", secret=replicated.monolith.secret)
    calls = CallStats(cutover, flush_seconds=0.2)
    with (
        switched_port(replicated) as port,
        watched(replicated, PreflightChecks(replicated, lambda database: None)) as worker,
    ):
        faulty_port = FaultyPort(port)
        shop = opened(calls.around(faulty_port))
        yield RollbackSetup(replicated, shop, faulty_port, calls, worker, FlagStore(platform))
    calls.close()
    platform.close()
    cutover.close()


@contextmanager
def watched(pair: SchedulingDatabases, checks: Any) -> Iterator[RollbackWorker]:
    worker = RollbackWorker(pair, checks)
    try:
        yield worker
    finally:
        worker.close()


def test_failing_calls_roll_back_and_the_evidence_is_audited(setup: RollbackSetup) -> None:
    setup.start_policy(setup.cut_over("scheduling"))
    setup.use(1.0)
    setup.faulty_port.fails = True
    assert setup.use(30.0) == 1
    assert setup.outcome() == "returned"
    (entry,) = setup.audited("guard.returned")
    assert entry.actor == "guard"
    assert "failed" in entry.reason
    assert entry.before["bound"]["for_seconds"] == 3.0
    assert entry.after["owner"] == "scheduling"
    assert all(part["failed"] > 0 for part in entry.after["parts"])
    assert setup.flags.read()[("scheduling.adapter", setup.shop.business_id)] == "in_process"
    assert reported_to_operators(setup) == [f"{setup.shop.business_id} was moved back to monolith"]
    # The business is usable and can be cut over again.
    setup.faulty_port.fails = False
    setup.shop.book()
    setup.cut_over("scheduling")


def reported_to_operators(setup: RollbackSetup) -> list[str]:
    """Report every rollback twice, and return the subjects of the queued mails about this business."""
    url, secret = setup.pair.monolith.url, setup.pair.monolith.secret
    operators = operators_auth(url, secret)
    operators.grant_operator_role("olga@example.com", "operator", name="Olga", password="a long password of a person")
    cutover, auth = (ModuleDatabase(url, role=role, secret=secret, pool_size=1) for role in ("cutover_app", "auth_app"))
    for _ in range(2):
        while RollbackReports(cutover, operators).step():
            pass
    subjects = text("SELECT content ->> 'subject' FROM auth.mail WHERE kind = 'notice' ORDER BY created_at")
    with auth.transaction() as connection:
        found = [subject for (subject,) in connection.execute(subjects) if str(setup.shop.business_id) in subject]
    cutover.close()
    auth.close()
    return found


def test_slow_calls_roll_back(setup: RollbackSetup) -> None:
    setup.start_policy(
        setup.cut_over("scheduling"), thresholds=RollbackThresholds(most_failed=0.1, p95_ms=200.0, for_seconds=6.0)
    )
    setup.faulty_port.waits = 0.25
    assert setup.use(30.0) == 1
    assert "took longer than 200 ms" in setup.audited("guard.returned")[0].reason


def test_healthy_business_stays_until_its_policy_ends(setup: RollbackSetup) -> None:
    setup.start_policy(setup.cut_over("scheduling"), watch_seconds=3.0)
    assert setup.use(30.0) == 1
    assert setup.outcome() == "kept"
    (entry,) = setup.audited("guard.kept")
    assert entry.after["owner"] == "scheduling"
    assert entry.after["since_the_move"]["calls"] > 20


def test_short_burst_of_errors_does_not_roll_back(setup: RollbackSetup) -> None:
    """The burst lasts a quarter of one part of the window, wherever it starts."""
    setup.start_policy(
        setup.cut_over("scheduling"), thresholds=THRESHOLDS._replace(for_seconds=6.0), watch_seconds=14.0
    )
    setup.use(6.5)
    setup.faulty_port.fails = True
    setup.use(0.5)
    setup.faulty_port.fails = False
    setup.use(30.0)
    assert setup.outcome() == "kept"
    assert setup.audited("guard.kept")[0].after["since_the_move"]["failed"] >= 1


def test_policy_ends_when_another_cutover_follows(setup: RollbackSetup) -> None:
    setup.start_policy(setup.cut_over("scheduling"))
    setup.cut_over("monolith")
    assert setup.worker.step() == 1
    assert setup.outcome() == "superseded"


def test_later_policy_supersedes_an_earlier_one(setup: RollbackSetup) -> None:
    setup.start_policy(setup.cut_over("scheduling"))
    setup.start_policy(setup.cut_over("monolith"))
    with setup.pair.control_db() as control_db:
        mine = [each for each in active_policies(control_db) if each.policy.business_id == setup.shop.business_id]
    assert [each.policy.home for each in mine] == ["scheduling"]


class AlwaysRefusing(PassingChecks):
    """Checks that refuse every rollback."""

    def check_before_fence(self, *_: object) -> Any:
        raise CutoverRefused("refused by the test")


def test_refused_rollback_is_audited_and_retried(setup: RollbackSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monolith.cutover.rollback.rollback_worker.RETRY_SECONDS", 1.0)
    setup.start_policy(setup.cut_over("scheduling"))
    setup.faulty_port.fails = True
    with watched(setup.pair, AlwaysRefusing()) as stuck:
        eventually(lambda: setup._replace(worker=stuck).use(0.2) or setup.audited("guard.stuck"), "an audit entry")
    (entry,) = setup.audited("guard.stuck")
    assert entry.reason.endswith("but refused by the test")
    assert setup.outcome() is None
    assert setup.use(30.0) == 1
    assert setup.outcome() == "returned"
