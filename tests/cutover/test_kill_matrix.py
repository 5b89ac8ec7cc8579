"""A controller or a recovery worker is killed at any step: at most one owner, and another worker settles it."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from contracts.scheduling.values import DatabaseName
from deploy.devstack.program import ROOT
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.failpoints import FAILPOINT_STEPS
from monolith.cutover.recovery_worker import RecoveryWorker
from monolith.cutover.scheduling_flag import adapter_for
from monolith.cutover.service.extraction import EXTRACTION, Between
from monolith.cutover.store import cutovers
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import SCHEDULING_ADAPTER, FlagStore
from scheduling_service.engine import lease as leases
from tests.contract.port.shop import Shop
from tests.cutover.dying_controller import PassingChecks
from tests.cutover.overload import refused_for_time
from tests.cutover.writers import opened, switched_port, writers

FENCE_SECONDS = 1.0
_ATTEMPTS = 4
ABORTING = ("abort", "release", "settle")
OFTEN = ("after fence", "after decided")
FORWARD = [f"{when} {point}" for point in FAILPOINT_STEPS if point not in ABORTING for when in ("before", "after")]
BACKWARD = [f"{when} {point}" for point in ABORTING for when in ("before", "after")]
RECOVERING = {
    "after fence": [point for point in BACKWARD if not point.endswith("abort")],
    "after decided": [f"{when} {point}" for point in ("activate", "active") for when in ("before", "after")],
}
"""The failpoints that a recovery worker passes, by that at which the controller was killed."""


@pytest.fixture
def shop(replicated: SchedulingDatabases) -> Iterator[Shop]:
    with switched_port(replicated) as port:
        yield opened(port)


@contextmanager
def never_two_owners(pair: SchedulingDatabases, business_id: UUID, between: Between = EXTRACTION) -> Iterator[None]:
    """Poll the leases of two databases while the block runs, and fail if both are ever active."""
    stop, seen = threading.Event(), []

    def look() -> None:
        with pair.at(between[0]).connect() as one, pair.at(between[1]).connect() as another:
            while not stop.is_set():
                # Two databases have no common clock: a lease that is active before and after the other was read counts.
                found = [leases.read_lease(db, business_id) for db in (one, another, one)]
                seen.append(all(lease is not None and lease.active for lease in found))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert not any(seen)
    assert seen


def killed(
    pair: SchedulingDatabases,
    business_id: UUID,
    to: DatabaseName,
    die_at: str,
    *,
    refuse: bool = False,
    source: DatabaseName | None = None,
) -> int:
    return _run_dying(
        pair,
        role="controller",
        die_at=die_at,
        refuse=refuse,
        business=str(business_id),
        source=source or pair.extraction.partner_of(to),
        target=to,
        fence_seconds=FENCE_SECONDS,
    )


def _run_dying(pair: SchedulingDatabases, **arguments: object) -> int:
    """Run the process of `dying_controller` and return its exit code."""
    given = {
        "databases": [(name, pair.at(name).url, pair.at(name).secret) for name in pair.names],
        **arguments,
    }
    command = [sys.executable, "-m", "tests.cutover.dying_controller", json.dumps(given)]
    return subprocess.run(command, cwd=ROOT, check=False, timeout=60).returncode


def killed_and_recovered(
    pair: SchedulingDatabases,
    business_id: UUID,
    to: DatabaseName,
    die_at: str,
    *,
    source: DatabaseName | None = None,
) -> cutovers.Cutover:
    """Kill a controller at a step, and return the cutover as the recovery worker settled it.

    On an overloaded machine a fence may expire before the step is reached; such a cutover is aborted, and repeated.
    """
    for _ in range(_ATTEMPTS):
        exit_code = killed(pair, business_id, to, die_at, source=source)
        cutover = settle_by_recovery_worker(pair, business_id)
        if exit_code == -signal.SIGKILL:
            return cutover
        assert (exit_code, cutover.state) == (0, "aborted"), cutover
        assert refused_for_time(cutover.problem), f"broken promise: {cutover.problem}"
    raise AssertionError(f"overloaded machine: no controller reached the step {die_at!r} in {_ATTEMPTS} attempts")


def settle_by_recovery_worker(pair: SchedulingDatabases, business_id: UUID) -> cutovers.Cutover:
    worker = RecoveryWorker(pair)
    try:
        until = time.monotonic() + 20
        with pair.control_db() as control_db:
            while cutovers.unsettled(control_db, business_id):
                assert time.monotonic() < until
                worker.step()
                time.sleep(0.02)
            return cutovers.latest(control_db, 1, business_id)[0]
    finally:
        worker.close()


def requested_adapter(pair: SchedulingDatabases, business_id: UUID) -> str | None:
    """Return the adapter that the flag requests for the business."""
    platform = ModuleDatabase(pair.monolith.url, role="platform_app", secret=pair.monolith.secret, pool_size=1)
    try:
        return FlagStore(platform).read().get((SCHEDULING_ADAPTER, business_id))
    finally:
        platform.close()


def kill_in_both_directions(pair: SchedulingDatabases, shop: Shop, between: Between, die_at: str) -> None:
    """Move the business, which the first of the two databases owns, to the second and back.

    In both cutovers the controller is killed at the same step.
    """
    with never_two_owners(pair, shop.business_id, between), writers(shop, 3) as ledger:
        for source, to in (between, between[::-1]):
            move = killed_and_recovered(pair, shop.business_id, to, die_at, source=source)
            decided = "decided" in {step["state"] for step in move.steps}
            assert not decided or requested_adapter(pair, shop.business_id) == adapter_for(to)
            assert move.state == ("active" if decided else "aborted")
            if not decided:
                with Controller(pair, PassingChecks()) as controller:
                    move = controller.cut_over(
                        shop.business_id, source, to, fence_seconds=10, actor="tests", reason="once more"
                    )
            assert (move.state, move.problem) == ("active", None)
    ledger.require_true(pair, shop.business_id, between[0])
    assert ledger.answers["done"] > 20


@pytest.mark.row("F40")
@pytest.mark.parametrize(
    "die_at", [pytest.param(point, marks=[pytest.mark.long] * (point not in OFTEN)) for point in FORWARD]
)
def test_killed_controller_is_recovered_in_both_directions(
    replicated: SchedulingDatabases, shop: Shop, die_at: str
) -> None:
    kill_in_both_directions(replicated, shop, EXTRACTION, die_at)


@pytest.mark.row("F40")
@pytest.mark.long
@pytest.mark.parametrize("die_at", BACKWARD)
def test_controller_killed_while_it_aborts(replicated: SchedulingDatabases, shop: Shop, die_at: str) -> None:
    with never_two_owners(replicated, shop.business_id), writers(shop, 3) as ledger:
        assert killed(replicated, shop.business_id, "scheduling", die_at, refuse=True) == -signal.SIGKILL
        assert settle_by_recovery_worker(replicated, shop.business_id).state == "aborted"
    ledger.require_true(replicated, shop.business_id, "monolith")
    assert ledger.answers["done"] > 20


@pytest.mark.row("F40")
@pytest.mark.long
@pytest.mark.parametrize(
    ("controller_dies", "worker_dies"), [(first, second) for first, points in RECOVERING.items() for second in points]
)
def test_recovery_worker_is_killed_too(
    replicated: SchedulingDatabases, shop: Shop, controller_dies: str, worker_dies: str
) -> None:
    with never_two_owners(replicated, shop.business_id), writers(shop, 3) as ledger:
        assert killed(replicated, shop.business_id, "scheduling", controller_dies) == -signal.SIGKILL
        assert _run_dying(replicated, role="recovery worker", die_at=worker_dies) == -signal.SIGKILL
        move = settle_by_recovery_worker(replicated, shop.business_id)
        owner: DatabaseName = "scheduling" if controller_dies == "after decided" else "monolith"
        assert move.state == ("active" if owner == "scheduling" else "aborted")
    ledger.require_true(replicated, shop.business_id, owner)
