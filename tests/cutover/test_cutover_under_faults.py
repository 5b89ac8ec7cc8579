"""Faults at any step of a cutover: it is settled, one database owns the business, and the ledger is clean."""

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from monolith.cutover import failpoints
from monolith.cutover.failpoints import FAILPOINT_STEPS
from tests.cutover.deployment import VICTIMS, Deployment, TrafficPeriod, Victim, cut_over_repeatedly, running_deployment
from tests.faults.proxy import TcpProxy

ABORTING = ("abort", "release", "settle")
EVERYWHERE = [f"{when} {point}" for point in FAILPOINT_STEPS if point not in ABORTING for when in ("before", "after")]
SOME = ["after fence"]
_MOST_REFUSED = 4


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with running_deployment() as deployment:
        yield deployment


@pytest.fixture(autouse=True)
def _no_hook() -> Iterator[None]:
    yield
    failpoints.hook = None


def _strike_once(point: str, strike: Callable[[], None], armed: list[bool], name: str) -> None:
    if name == point and armed:
        armed.pop()
        strike()


def struck(deployment: Deployment, point: str, strike: Callable[[], None]) -> TrafficPeriod:
    """Cut over in both directions, with the fault injected once in each, at the step."""
    with deployment.traffic(rate=30.0) as period:
        for _ in range(2):
            _strike_at(deployment, point, strike)
    return period


def _strike_at(deployment: Deployment, point: str, strike: Callable[[], None]) -> None:
    """Repeat a cutover that a check refuses before the step because of the previous fault."""
    armed, refused = [True], list[str | None]()
    while armed:
        assert len(refused) < _MOST_REFUSED, refused
        owner, to = deployment.owner, deployment.databases.extraction.partner_of(deployment.owner)
        failpoints.hook = partial(_strike_once, point, strike, armed)
        with deployment.controller() as controller:
            move = controller.cut_over(
                deployment.business_id, owner, to, fence_seconds=1.0, actor="tests", reason=f"struck {point}"
            )
        failpoints.hook = None
        assert move.settled_at is not None
        deployment.wait_until_settled()
        assert deployment.owner == (to if move.state == "active" else owner)
        assert not armed or move.state == "aborted", "an active move passes every point"
        refused.append(move.problem)
    if move.state == "aborted":
        cut_over_repeatedly(deployment)


@pytest.mark.row("F40")
@pytest.mark.long
@pytest.mark.parametrize("point", SOME)
@pytest.mark.parametrize("victim", VICTIMS)
def test_process_killed_after_the_fence(deployment: Deployment, victim: Victim, point: str) -> None:
    _ = struck(deployment, point, lambda: deployment.kill(victim)).clean


@pytest.mark.row("F40")
@pytest.mark.long
@pytest.mark.parametrize("point", [point for point in EVERYWHERE if point not in SOME])
@pytest.mark.parametrize("victim", VICTIMS)
def test_process_killed_at_every_other_step(deployment: Deployment, victim: Victim, point: str) -> None:
    _ = struck(deployment, point, lambda: deployment.kill(victim)).clean


def cut(proxy: TcpProxy, seconds: float) -> None:
    """Close all connections and refuse new ones for a while."""
    away = proxy.unreachable()
    away.__enter__()
    threading.Timer(seconds, lambda: away.__exit__(None, None, None)).start()


@pytest.mark.long
@pytest.mark.parametrize("point", SOME)
def test_monolith_cannot_reach_the_service(deployment: Deployment, point: str) -> None:
    _ = struck(deployment, point, lambda: cut(deployment.service, 1.5)).clean


@pytest.mark.row("F40")
@pytest.mark.long
@pytest.mark.parametrize("point", EVERYWHERE)
@pytest.mark.parametrize("where", ["monolith", "scheduling", "service"])
def test_network_cut_at_every_step(deployment: Deployment, where: str, point: str) -> None:
    """Between the databases, in either direction, and between the monolith and the service."""
    proxy = deployment.service if where == "service" else deployment.replication[where]
    _ = struck(deployment, point, lambda: cut(proxy, 1.5)).clean
