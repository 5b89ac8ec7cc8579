"""Replication that was started again, or whose start was interrupted, is no basis for a cutover."""

from collections.abc import Iterator

import pytest
from uuid_utils.compat import uuid7

from monolith.cutover import replication
from monolith.cutover.checks import PreflightResult
from monolith.cutover.controller import Controller
from monolith.cutover.databases import REPLICATOR, Connection, SchedulingDatabases
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.replication.scope import publish
from monolith.cutover.store.cutovers import Cutover
from tests.contract.port.shop import Shop
from tests.cutover.replication_pair import start
from tests.cutover.writers import opened, switched_port


@pytest.fixture
def replicated_pair(pair: SchedulingDatabases) -> Iterator[SchedulingDatabases]:
    start(pair)
    yield pair
    assert replication.stop(pair.extraction) == []


@pytest.fixture
def shop(replicated_pair: SchedulingDatabases) -> Iterator[Shop]:
    with switched_port(replicated_pair) as port:
        yield opened(port)


class RestartedAfterTheChecks(PreflightChecks):
    """Another operator makes the copies again, between the checks and the fence."""

    def check_before_fence(self, move: Cutover, source: Connection, target: Connection) -> PreflightResult:
        checked = super().check_before_fence(move, source, target)
        assert replication.stop(self._databases.extraction) == []
        start(self._databases, discard_copies=True)
        return checked


def test_cutover_ends_if_replication_was_started_again_since_its_checks(
    replicated_pair: SchedulingDatabases, shop: Shop
) -> None:
    """The mark of the fence may then arrive with the first copy, before the rows of other tables."""
    checks = RestartedAfterTheChecks(replicated_pair, lambda database: None)
    with Controller(replicated_pair, checks) as controller:
        move = controller.cut_over(
            shop.business_id, "monolith", "scheduling", fence_seconds=10, actor="tests", reason="to see"
        )
    assert (move.state, move.problem) == (
        "aborted",
        "replication was started again since the checks: repeat the command",
    )


def test_interrupted_start_is_a_problem_until_it_is_repeated(replicated_pair: SchedulingDatabases) -> None:
    """Without it, changes of the businesses that the other database owned would be missing after their return."""
    pair = replicated_pair.extraction
    with replicated_pair.monolith.connect(REPLICATOR) as db:
        publish(db, pair, [uuid7()])
    problems = replication.find_problems(pair, max_lag_bytes=1_000_000)
    assert [each.partition(":")[0] for each in problems] == ["monolith to scheduling"]
    assert "the start of replication was interrupted" in problems[0]
    assert "repeat `extraction replicate start`" in problems[0]
    start(replicated_pair)
    assert replication.find_problems(pair, max_lag_bytes=1_000_000) == []
