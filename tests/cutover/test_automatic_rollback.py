"""A guarded business that is served badly after its move goes back by itself, and loses nothing by it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import SchedulingError, Unavailable
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from monolith.cutover.call_stats import CallStats
from monolith.cutover.controller import Controller, CutoverRefused
from monolith.cutover.databases import SchedulingDatabases, other_database
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.rollback.rollback_worker import RollbackWorker
from monolith.cutover.rollback.thresholds import RollbackThresholds
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.store.rollback_policies import active_policies, latest_policy, start_policy
from monolith.shared.database import Database
from monolith.shared.flags.change_listener import ChangeNotice
from monolith.shared.flags.store import FlagStore
from tests.contract.port.shop import Shop
from tests.cutover.dying_controller import Waved
from tests.cutover.writers import opened, switched_port
from tests.polling import eventually

BOUND = RollbackThresholds(most_failed=0.1, p95_ms=5000.0, for_seconds=3.0)


class Ailing(SchedulingPort):
    """What stands between the monolith and the sides: `ails` says what becomes of reads."""

    def __init__(self, port: SchedulingPort) -> None:
        self._port = port
        self.fails = False
        self.waits = 0.0

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        if not operation.writes:
            time.sleep(self.waits)
            if self.fails:
                raise Unavailable("The service is away.", retry_after=1)
        return self._port.call(operation, ctx, request)


class World(NamedTuple):
    sides: SchedulingDatabases
    shop: Shop
    ailing: Ailing
    calls: CallStats
    watchman: RollbackWorker
    flags: FlagStore

    def move(self, to: DatabaseName) -> Cutover:
        with Controller(self.sides, PreflightChecks(self.sides, lambda side: None)) as controller:
            moved = controller.cut_over(
                self.shop.business_id, other_database(to), to, fence_seconds=5.0, actor="tests", reason="to see"
            )
        assert moved.state == "active", moved.problem
        return moved

    def guard(self, move: Cutover, *, bound: RollbackThresholds = BOUND, watch_seconds: float = 600.0) -> None:
        with self.sides.platform() as platform:
            start_policy(platform, move, bound, watch_seconds=watch_seconds)
        self.calls.refresh(ChangeNotice("guard", str(move.business_id)))

    def use(self, seconds: float) -> int:
        """Reads, steadily, while the watchman looks. How many guards ended."""
        until, ended = time.monotonic() + seconds, 0
        while time.monotonic() < until and not ended:
            with suppress(SchedulingError):
                self.shop.port.list_offerings(self.shop.customer.reads(), m.ListOfferings())
            ended += self.watchman.step()
            time.sleep(0.01)
        return ended

    def outcome(self) -> str | None:
        with self.sides.platform() as platform:
            guard = latest_policy(platform, self.shop.business_id)
        assert guard is not None
        return guard.outcome

    def audited(self, action: str) -> list[Any]:
        mine = f"scheduling.adapter business:{self.shop.business_id}"
        return [each for each in self.flags.changes(1000) if (each.action, each.subject) == (action, mine)]


@pytest.fixture
def world(replicated: SchedulingDatabases) -> Iterator[World]:
    platform = Database(replicated.monolith.url, role="platform_app", secret=replicated.monolith.secret)
    cutover = Database(replicated.monolith.url, role="cutover_app", secret=replicated.monolith.secret)
    calls = CallStats(cutover, flush_seconds=0.2)
    with (
        switched_port(replicated) as port,
        watched(replicated, PreflightChecks(replicated, lambda side: None)) as watchman,
    ):
        ailing = Ailing(port)
        shop = opened(calls.around(ailing))
        yield World(replicated, shop, ailing, calls, watchman, FlagStore(platform))
    calls.close()
    platform.close()
    cutover.close()


@contextmanager
def watched(sides: SchedulingDatabases, checks: Any) -> Iterator[RollbackWorker]:
    watchman = RollbackWorker(sides, checks)
    try:
        yield watchman
    finally:
        watchman.close()


def test_a_business_whose_calls_fail_goes_back_with_the_evidence_in_the_audit_log(world: World) -> None:
    world.guard(world.move("scheduling"))
    world.use(1.0)
    world.ailing.fails = True
    assert world.use(30.0) == 1
    assert world.outcome() == "returned"
    (entry,) = world.audited("guard.returned")
    assert entry.actor == "guard"
    assert "failed" in entry.reason
    assert entry.before["bound"]["for_seconds"] == 3.0
    assert entry.after["owner"] == "scheduling"
    assert all(part["failed"] > 0 for part in entry.after["parts"])
    assert world.flags.read()[("scheduling.adapter", world.shop.business_id)] == "in_process"
    # It is used as before, and moved again by whoever wants to.
    world.ailing.fails = False
    world.shop.book()
    world.move("scheduling")


def test_a_business_whose_calls_are_slow_goes_back(world: World) -> None:
    world.guard(world.move("scheduling"), bound=RollbackThresholds(most_failed=0.1, p95_ms=200.0, for_seconds=6.0))
    world.ailing.waits = 0.25
    assert world.use(30.0) == 1
    assert "took longer than 200 ms" in world.audited("guard.returned")[0].reason


def test_a_business_that_is_served_well_stays_until_its_guard_ends(world: World) -> None:
    world.guard(world.move("scheduling"), watch_seconds=3.0)
    assert world.use(30.0) == 1
    assert world.outcome() == "kept"
    (entry,) = world.audited("guard.kept")
    assert entry.after["owner"] == "scheduling"
    assert entry.after["since_the_move"]["calls"] > 20


def test_a_burst_that_is_over_moves_nothing(world: World) -> None:
    """Wherever it falls: it lasts a quarter of one third of the time that decides."""
    world.guard(world.move("scheduling"), bound=BOUND._replace(for_seconds=6.0), watch_seconds=14.0)
    world.use(6.5)
    world.ailing.fails = True
    world.use(0.5)
    world.ailing.fails = False
    world.use(30.0)
    assert world.outcome() == "kept"
    assert world.audited("guard.kept")[0].after["since_the_move"]["failed"] >= 1


def test_a_guard_ends_when_somebody_else_moves_the_business(world: World) -> None:
    world.guard(world.move("scheduling"))
    world.move("monolith")
    assert world.watchman.step() == 1
    assert world.outcome() == "superseded"


def test_a_later_guard_takes_the_place_of_an_earlier(world: World) -> None:
    world.guard(world.move("scheduling"))
    world.guard(world.move("monolith"))
    with world.sides.platform() as platform:
        mine = [each for each in active_policies(platform) if each.policy.business_id == world.shop.business_id]
    assert [each.policy.home for each in mine] == ["scheduling"]


class Refusing(Waved):
    """The way back does not work."""

    def check_before_fence(self, *_: object) -> Any:
        raise CutoverRefused("the moon is full")


def test_a_business_that_cannot_go_back_is_told_of_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monolith.cutover.rollback.rollback_worker.RETRY_SECONDS", 1.0)
    world.guard(world.move("scheduling"))
    world.ailing.fails = True
    with watched(world.sides, Refusing()) as stuck:
        eventually(lambda: world._replace(watchman=stuck).use(0.2) or world.audited("guard.stuck"), "told of")
    (entry,) = world.audited("guard.stuck")
    assert entry.reason.endswith("but the moon is full")
    assert world.outcome() is None
    assert world.use(30.0) == 1
    assert world.outcome() == "returned"
