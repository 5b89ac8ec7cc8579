"""A business moves between any two of several databases, by the cutover of the extraction."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from contracts.scheduling.values import DatabaseName
from deploy.control_plane import connected_control_plane
from monolith.cutover import replication
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.finalize import FinalizeRefused
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.replication import ReplicationRefused
from monolith.cutover.service import ControlPlane
from monolith.cutover.service.cutovers import OnMoved
from monolith.cutover.service.database_service import DrainRequest
from monolith.cutover.service.errors import DatabaseRefused, DatabasesPaired
from monolith.cutover.service.extraction import Between
from monolith.cutover.store import registry
from monolith.cutover.store.cutovers import Cutover
from scheduling_service.engine import lease as leases
from tests.contract.port.shop import Shop, at
from tests.cutover.replication_pair import turn_to_start
from tests.cutover.several_databases import (
    SECOND,
    WHO,
    active_in,
    holders_of,
    request_adapter,
    several_databases,
    shop_in,
)
from tests.cutover.test_kill_matrix import FORWARD, kill_in_both_directions
from tests.cutover.writers import opened, switched_port, writers
from tests.databases import fresh_databases
from tests.polling import eventually
from tests.servers import Servers

SERVICES: Between = ("scheduling", SECOND)


@pytest.fixture
def three(servers: Servers) -> Iterator[SchedulingDatabases]:
    with fresh_databases(servers) as databases, several_databases(databases) as found:
        yield found
        for pair in found.pairs:
            assert replication.stop(pair) == []


@pytest.fixture
def plane(three: SchedulingDatabases) -> Iterator[ControlPlane]:
    url, secret = three.monolith.url, three.monolith.secret
    with connected_control_plane(url, secret, lambda: three, lambda database: None) as opened:
        yield opened


def start(plane: ControlPlane, between: Between, shops: list[Shop] | None = None) -> None:
    with turn_to_start():
        plane.extraction.start_replication(
            lambda progress: None,
            actor="tests",
            discard_copies=True,
            allow_unbounded_wal=True,
            between=between,
            businesses=None if shops is None else [shop.business_id for shop in shops],
        )


def moved(databases: SchedulingDatabases, shop: Shop, source: DatabaseName, to: DatabaseName) -> Cutover:
    with Controller(databases, PreflightChecks(databases, lambda database: None)) as controller:
        return controller.cut_over(shop.business_id, source, to, fence_seconds=10.0, **WHO)


@pytest.mark.long
def test_a_business_in_use_moves_round_all_databases(three: SchedulingDatabases, plane: ControlPlane) -> None:
    route: list[DatabaseName] = ["scheduling", SECOND, "monolith", "scheduling"]
    with shop_in(three, "scheduling") as shop, writers(shop) as ledger:
        for source, to in pairwise(route):
            start(plane, (source, to), [shop])
            move = moved(three, shop, source, to)
            assert (move.state, move.problem) == ("active", None)
            assert active_in(three, shop.business_id) == [to]
            plane.extraction.stop_replication("tests", (source, to))
    ledger.require_true(three, shop.business_id, "scheduling")
    assert ledger.answers["done"] > 100


@pytest.mark.long
@pytest.mark.parametrize("die_at", FORWARD)
def test_killed_controller_between_two_services(three: SchedulingDatabases, plane: ControlPlane, die_at: str) -> None:
    with shop_in(three, "scheduling") as shop:
        start(plane, SERVICES, [shop])
        kill_in_both_directions(three, shop, SERVICES, die_at)


@pytest.mark.long
def test_only_the_named_businesses_are_copied_and_replicated(three: SchedulingDatabases, plane: ControlPlane) -> None:
    with shop_in(three, "scheduling") as named, shop_in(three, "scheduling") as other:
        for shop in (named, other):
            shop.book(at(9))
        start(plane, SERVICES, [named])
        start(plane, SERVICES, [named])
        with pytest.raises(ReplicationRefused, match="replicate already, but only some other businesses"):
            start(plane, SERVICES, [named, other])
        for shop in (named, other):
            shop.book(at(10))
        assert moved(three, named, *SERVICES).state == "active"
        refused = moved(three, other, *SERVICES)
        assert (refused.state, "has no copy of it" in (refused.problem or "")) == ("aborted", True)
        other.book(at(11))
        assert holders_of(three, named.business_id) == ["scheduling", SECOND]
        assert holders_of(three, other.business_id) == ["scheduling"]


@pytest.mark.long
def test_a_database_replicates_with_one_other_at_a_time(three: SchedulingDatabases, plane: ControlPlane) -> None:
    start(plane, ("monolith", "scheduling"))
    with pytest.raises(DatabasesPaired, match="scheduling database is replicated with monolith"):
        start(plane, SERVICES)
    with pytest.raises(ReplicationRefused, match="is replicated with another one"), turn_to_start():
        # Even if the record did not know the pair.
        replication.start(three.pair(*SERVICES), lambda progress: None, allow_unbounded_wal=True)
    plane.extraction.stop_replication("tests")
    start(plane, SERVICES)
    # Nothing had to be copied, so the workers may only be starting.
    eventually(lambda: not replication.find_problems(three.pair(*SERVICES), max_lag_bytes=10**9))


def test_new_businesses_are_opened_in_the_least_loaded_active_database(
    three: SchedulingDatabases, plane: ControlPlane
) -> None:
    def owner_of_new(port: object) -> DatabaseName:
        shop = opened(port)  # type: ignore[arg-type]
        return plane.directory.owners()[shop.business_id].owner

    request_adapter(three, "http")
    with switched_port(three) as port:
        assert [owner_of_new(port) for _ in range(3)] == ["scheduling", SECOND, "scheduling"]
        request_adapter(three, "http:scheduling")
    with switched_port(three) as port:
        assert owner_of_new(port) == "scheduling"
        with three.control_db() as control_db:
            registry.set_state(control_db, "scheduling", "draining")
        assert owner_of_new(port) == SECOND
    assert [each.businesses for each in plane.databases.all()] == [0, 3, 2]


@pytest.mark.long
def test_an_interrupted_drain_continues_and_loses_nothing(three: SchedulingDatabases, plane: ControlPlane) -> None:
    request = DrainRequest(SECOND, "tests", "to see", together=2, fence_seconds=10.0)

    def drain(on_moved: OnMoved) -> int:
        with turn_to_start():
            return plane.databases.drain(request, lambda progress: None, on_moved)

    def interrupt(slug: str, cutover: Cutover) -> None:
        raise KeyboardInterrupt

    request_adapter(three, f"http:{SECOND}")
    with switched_port(three) as port:
        used, *idle = (opened(port) for _ in range(4))
        for shop in idle:
            shop.book()
        with writers(used) as ledger:
            with pytest.raises(KeyboardInterrupt):
                drain(interrupt)
            assert drain(lambda slug, cutover: None) == 3
    ledger.require_true(three, used.business_id, "scheduling")
    for shop in (used, *idle):
        assert active_in(three, shop.business_id) == ["scheduling"]
        assert holders_of(three, shop.business_id) == ["scheduling"]
    entry = plane.databases.require(SECOND)
    assert (entry.state, entry.partner) == ("draining", None)
    assert drain(lambda slug, cutover: None) == 0


def test_a_drain_that_cannot_end_is_refused(three: SchedulingDatabases, plane: ControlPlane) -> None:
    with three.control_db() as control_db:
        registry.set_state(control_db, "scheduling", "draining")
    for name, reason in ((SECOND, "no other database"), ("monolith", "the extraction moves")):
        with pytest.raises(DatabaseRefused, match=reason):
            plane.databases.drain(DrainRequest(name, "tests", "to see"), lambda progress: None, lambda *moved: None)
    assert plane.databases.require(SECOND).state == "active"


@pytest.mark.long
def test_a_drain_refuses_a_pair_that_replicates_everything(three: SchedulingDatabases, plane: ControlPlane) -> None:
    request = DrainRequest(SECOND, "tests", "to see")
    with shop_in(three, SECOND) as shop:
        start(plane, SERVICES)
        with pytest.raises(DatabasesPaired, match="scheduling-2 database is replicated with scheduling"):
            plane.databases.drain(request, lambda progress: None, lambda *moved: None)
        assert active_in(three, shop.business_id) == [SECOND]


@pytest.mark.long
def test_no_copy_is_deleted_from_a_database_that_replicates_with_the_owner(
    three: SchedulingDatabases, plane: ControlPlane
) -> None:
    with shop_in(three, SECOND) as shop:
        shop.book()
        start(plane, ("monolith", SECOND), [shop])
        with pytest.raises(FinalizeRefused, match="monolith database is replicated with another one"):
            plane.extraction.finalize("tests", lambda line: None)
        assert holders_of(three, shop.business_id) == ["monolith", SECOND]


@pytest.mark.long
def test_a_recovery_ends_the_replication_of_any_doubtful_pair(three: SchedulingDatabases, plane: ControlPlane) -> None:
    with shop_in(three, "scheduling") as shop:
        start(plane, SERVICES, [shop])
        evidence = plane.recovery.fence()
        plan = plane.recovery.plan(evidence, {})
        assert plan.all_equal
        assert plane.recovery.apply(evidence, plan._replace(all_equal=False), **WHO)
        assert not replication.is_replicating(three.pair(*SERVICES))
        assert shop.book().version == 1


@pytest.mark.long
def test_a_drain_moves_nothing_to_the_monolith(three: SchedulingDatabases, plane: ControlPlane) -> None:
    request = DrainRequest("scheduling", "tests", "to see", fence_seconds=10.0)
    with shop_in(three, "scheduling") as shop:
        with three.control_db() as control_db:
            registry.set_pair(control_db, "monolith", "scheduling", [shop.business_id])
        with turn_to_start():
            assert plane.databases.drain(request, lambda progress: None, lambda *moved: None) == 1
        assert active_in(three, shop.business_id) == [SECOND]


def test_the_former_copy_is_kept_while_the_new_owner_is_in_doubt(
    three: SchedulingDatabases, plane: ControlPlane
) -> None:
    between: Between = (SECOND, "scheduling")
    with shop_in(three, SECOND) as shop:
        shop.book()
        start(plane, between, [shop])
        assert moved(three, shop, *between).state == "active"
    with three.scheduling.connect() as db:
        leases.void_all(db)
    with pytest.raises(DatabaseRefused, match="scheduling does not serve"):
        plane.databases.drain(DrainRequest(SECOND, "tests", "to see"), lambda progress: None, lambda *moved: None)
    assert holders_of(three, shop.business_id) == ["scheduling", SECOND]
