"""Metrics of replication in both directions."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.replication.lag_clock import LagClock
from monolith.cutover.replication.state import read_status
from monolith.cutover.replication.status import DirectionStatus


class ReplicationSource:
    """Reads the state of replication, as a source of `ScrapedMetrics`. Not thread-safe."""

    def __init__(self, databases: SchedulingDatabases) -> None:
        self._databases = databases
        self._clocks: dict[str, LagClock] = {}

    def read(self) -> Iterator[Metric]:
        """Yield the metrics. A direction with an unreachable database has `replication_reachable` 0 and no others."""
        directions = [each for pair in self._databases.known_pairs for each in read_status(pair).directions]
        both = "1 if both databases of the direction can be queried."
        yield _gauge("reachable", both, directions, lambda each: each.reachable)
        reachable = [each for each in directions if each.reachable]
        yield _gauge("subscribed", "1 if the subscription exists.", reachable, lambda each: each.subscribed)
        started = [each for each in reachable if each.subscribed]
        for name, help_text, value in _GAUGES:
            yield _gauge(name, help_text, started, value)
        yield _gauge("lag_seconds", "Age of the oldest change that is not confirmed.", started, self._lag_seconds)
        tables = GaugeMetricFamily(
            "replication_tables", "Tables by the state of their copy.", labels=["direction", "state"]
        )
        yield _by_label(tables, started, lambda each: each.tables)
        errors = CounterMetricFamily(
            "replication_errors", "Errors of the apply worker or of a copy.", labels=["direction", "phase"]
        )
        yield _by_label(errors, started, lambda each: {"apply": each.apply_errors, "copy": each.sync_errors})
        conflicts = CounterMetricFamily(
            "replication_conflicts",
            "Applied changes that met another row than expected (Postgres 18 or newer).",
            labels=["direction", "type"],
        )
        yield _by_label(conflicts, started, lambda each: each.conflicts)

    def _lag_seconds(self, each: DirectionStatus) -> float:
        clock = self._clocks.setdefault(each.direction, LagClock())
        return clock.lag(each.wal_end, each.wal_end - each.lag)


_GAUGES: tuple[tuple[str, str, Callable[[DirectionStatus], float | None]], ...] = (
    ("enabled", "1 if the subscription is enabled.", lambda each: each.enabled),
    ("streaming", "1 if the slot is in use and the apply worker runs.", lambda each: each.streaming),
    ("lag_bytes", "WAL that the subscriber has not confirmed.", lambda each: each.lag),
    ("slot_retained_bytes", "WAL that the publisher retains for the slot.", lambda each: each.wal_kept),
    (
        "slot_safe_bytes",
        "WAL that the publisher may still write before it invalidates the slot; absent without a limit.",
        lambda each: each.wal_left,
    ),
    ("slot_lost", "1 if the slot is invalidated or gone.", lambda each: each.wal_status in ("lost", "gone")),
)


def _gauge(
    name: str,
    help_text: str,
    directions: Sequence[DirectionStatus],
    value: Callable[[DirectionStatus], float | None],
) -> Metric:
    family = GaugeMetricFamily(f"replication_{name}", help_text, labels=["direction"])
    for each in directions:
        found = value(each)
        if found is not None:
            family.add_metric([each.direction], float(found))
    return family


def _by_label(
    family: GaugeMetricFamily | CounterMetricFamily,
    directions: Sequence[DirectionStatus],
    values: Callable[[DirectionStatus], Mapping[str, int]],
) -> Metric:
    for each in directions:
        for label, count in values(each).items():
            family.add_metric([each.direction, label], count)
    return family
