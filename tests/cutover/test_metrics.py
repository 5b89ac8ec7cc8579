"""The daemon's metrics of replication and cutovers, read from two real databases."""

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry

from contracts.chassis.scraped_metrics import ScrapedMetrics
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabase, SchedulingDatabases
from monolith.cutover.metrics.cutover_metrics import CutoverSource
from monolith.cutover.metrics.daemon_metrics import DaemonMetrics
from monolith.cutover.metrics.replication_metrics import ReplicationSource
from monolith.cutover.recovery_worker import RecoveryWorker
from monolith.cutover.replication.direction import directions
from monolith.cutover.replication.lag_clock import LagClock
from monolith.cutover.store import cutovers
from tests.contract.port.shop import Shop
from tests.cutover.dying_controller import PassingChecks
from tests.cutover.replication_pair import administrator
from tests.cutover.writers import opened, switched_port
from tests.databases import Databases
from tests.polling import eventually

TO_SCHEDULING, TO_MONOLITH = "monolith to scheduling", "scheduling to monolith"
WHO = {"actor": "tests", "reason": "to see"}


@pytest.fixture
def shop(replicated: SchedulingDatabases) -> Iterator[Shop]:
    with switched_port(replicated) as port:
        yield opened(port)


def registry_of(pair: SchedulingDatabases) -> CollectorRegistry:
    """Return the registry that the daemon serves."""
    registry = CollectorRegistry()
    sources = {"replication": ReplicationSource(pair).read, "cutovers": CutoverSource(pair).read}
    registry.register(ScrapedMetrics(sources, timeout=10.0))
    return registry


def test_replication_is_described_in_both_directions(
    replicated: SchedulingDatabases, shared_databases: Databases
) -> None:
    registry = registry_of(replicated)

    def value(name: str, direction: str = TO_SCHEDULING, **labels: str) -> float | None:
        return registry.get_sample_value(f"replication_{name}", {"direction": direction, **labels})

    for direction in (TO_SCHEDULING, TO_MONOLITH):
        for name in ("reachable", "subscribed", "enabled", "streaming"):
            assert value(name, direction) == 1, (name, direction)
        assert value("slot_lost", direction) == 0
        assert value("errors_total", direction, phase="apply") == 0
        assert value("conflicts_total", direction, type="insert_exists") == 0
        assert (value("slot_retained_bytes", direction) or 0) > 0
    subscription = directions(replicated.extraction)[0].subscription
    administrator(shared_databases, f"ALTER SUBSCRIPTION {subscription} DISABLE")
    try:
        eventually(lambda: value("streaming") == 0, "the end of the stream")
        assert (value("enabled"), value("streaming", TO_MONOLITH)) == (0, 1)
        write = "SELECT pg_logical_emit_message(true, 'tests', repeat('x', 100000))"
        administrator(shared_databases, write, "monolith")
        eventually(lambda: (value("lag_bytes") or 0) > 100_000, "a lag in bytes")
        eventually(lambda: (value("lag_seconds") or 0) > 0, "a lag in seconds")
    finally:
        administrator(shared_databases, f"ALTER SUBSCRIPTION {subscription} ENABLE")
    eventually(lambda: value("lag_seconds") == 0 and value("streaming") == 1, "that the subscriber has caught up")


def test_cutovers_are_counted_by_state_and_outcome(replicated: SchedulingDatabases, shop: Shop) -> None:
    registry = registry_of(replicated)
    value = registry.get_sample_value
    assert value("cutovers_settled_total", {"state": "active"}) == 0
    owned = value("cutover_businesses", {"owner": "monolith"}) or 0
    assert owned >= 1
    with Controller(replicated, PassingChecks()) as controller:
        controller.cut_over(shop.business_id, "monolith", "scheduling", fence_seconds=10.0, **WHO)
        assert value("metrics_source_up", {"source": "cutovers"}) == 1
        assert value("cutovers_settled_total", {"state": "active"}) == 1
        assert value("cutover_pause_seconds_count") == 1
        cutovers.begin(controller.control_db, shop.business_id, "scheduling", "monolith", fence_seconds=10.0, **WHO)
    assert value("cutovers_unsettled", {"state": "replicating"}) == 1
    assert (value("cutover_state_seconds", {"state": "replicating"}) or 0) > 0
    recovered = CollectorRegistry()
    worker = RecoveryWorker(replicated, metrics=DaemonMetrics(recovered))
    eventually(worker.step, "that the abandoned cutover is settled")
    worker.close()
    assert recovered.get_sample_value("cutover_recoveries_total", {"outcome": "aborted"}) == 1
    assert value("cutovers_settled_total", {"state": "aborted"}) == 1
    assert value("cutovers_unsettled", {"state": "replicating"}) == 0
    assert value("cutover_fence_overdue_seconds") == 0


def test_an_unreachable_database_is_reported(replicated: SchedulingDatabases) -> None:
    gone = SchedulingDatabase("scheduling", "postgresql://127.0.0.1:9/none", replicated.scheduling.secret)
    registry = registry_of(SchedulingDatabases(replicated.monolith, gone))
    assert registry.get_sample_value("replication_reachable", {"direction": TO_SCHEDULING}) == 0
    assert registry.get_sample_value("replication_streaming", {"direction": TO_SCHEDULING}) is None
    assert registry.get_sample_value("metrics_source_up", {"source": "cutovers"}) == 1


def test_a_lag_in_bytes_becomes_seconds() -> None:
    time = [100.0]
    clock = LagClock(now=lambda: time[0])
    assert clock.lag(written=50, confirmed=50) == 0
    time[0] = 110.0
    assert clock.lag(written=80, confirmed=50) == 0, "written since the last scrape, at an unknown time"
    time[0] = 130.0
    assert clock.lag(written=90, confirmed=50) == 20
    assert clock.lag(written=90, confirmed=80) == 0
    time[0] = 135.0
    assert clock.lag(written=90, confirmed=80) == 5
    assert clock.lag(written=90, confirmed=90) == 0
