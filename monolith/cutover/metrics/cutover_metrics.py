"""Metrics of the cutovers of the whole deployment."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import psycopg
from prometheus_client import Counter, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily

from contracts.chassis.backoff import Every
from monolith.cutover.databases import Connection, SchedulingDatabases
from monolith.cutover.states import OVER, STATES
from monolith.cutover.store import cutover_counts

_PAUSE_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 30.0)
_OWNERS_SECONDS = 60.0
"""How old the counts of owners may be: they need the whole routing table."""
_OVERLAP = timedelta(seconds=30)
"""Exceeds the time between a cutover's `settled_at` and the commit that makes it visible."""


class CutoverSource:
    """Reads the cutovers, as a source of `ScrapedMetrics`. Not thread-safe.

    Counts of settled cutovers begin with the first scrape.
    """

    def __init__(self, databases: SchedulingDatabases) -> None:
        self._databases = databases
        self._connection: Connection | None = None
        self._counted: dict[UUID, datetime] = {}
        self._since: datetime | None = None
        self._owners: dict[str, int] = {}
        self._owners_read = Every(_OWNERS_SECONDS)
        self._settled = Counter("cutovers_settled", "Cutovers that ended, by final state.", ["state"], registry=None)
        for state in OVER:
            self._settled.labels(state)
        self._pause = Histogram(
            "cutover_pause_seconds",
            "Time from the fence of a business to the activation of its new owner, in which its writes wait.",
            buckets=_PAUSE_BUCKETS,
            registry=None,
        )

    def read(self) -> Iterator[Metric]:
        """Yield the metrics. Raises psycopg.Error."""
        try:
            control_db = self._connected()
            self._count_settled(control_db)
            yield from (*self._settled.collect(), *self._pause.collect())
            yield from self._unsettled(control_db)
            yield self._businesses(control_db)
            yield GaugeMetricFamily(
                "cutover_rollback_policies",
                "Rollback policies that watch a business.",
                cutover_counts.active_policies_count(control_db),
            )
        except psycopg.Error:
            self._disconnect()
            raise

    def _unsettled(self, control_db: Connection) -> Iterator[Metric]:
        found = {each.state: each for each in cutover_counts.unsettled_states(control_db)}
        number = GaugeMetricFamily("cutovers_unsettled", "Cutovers that have not ended, by state.", labels=["state"])
        oldest = GaugeMetricFamily(
            "cutover_state_seconds", "Longest time that a cutover has been in the state.", labels=["state"]
        )
        for state in STATES:
            row = found.get(state)
            number.add_metric([state], row.cutovers if row else 0)
            oldest.add_metric([state], row.oldest_seconds if row else 0.0)
        overdue = max((each.overdue_seconds or 0.0 for each in found.values()), default=0.0)
        yield from (number, oldest)
        yield GaugeMetricFamily(
            "cutover_fence_overdue_seconds", "How long the deadline of the most overdue fence has passed.", overdue
        )

    def _businesses(self, control_db: Connection) -> Metric:
        if self._owners_read.due():
            self._owners = cutover_counts.businesses_by_owner(control_db)
        family = GaugeMetricFamily("cutover_businesses", "Businesses by the database that owns them.", labels=["owner"])
        for owner in sorted({*self._databases.names, *self._owners}):
            family.add_metric([owner], self._owners.get(owner, 0))
        return family

    def _count_settled(self, control_db: Connection) -> None:
        if self._since is None:
            self._since = cutover_counts.now(control_db)
            earlier = cutover_counts.settled_since(control_db, self._since - _OVERLAP)
            self._counted = {each.cutover_id: each.settled_at for each in earlier}
        oldest = self._since - _OVERLAP
        for each in cutover_counts.settled_since(control_db, oldest):
            if each.cutover_id in self._counted:
                continue
            self._counted[each.cutover_id] = each.settled_at
            self._since = max(self._since, each.settled_at)
            self._settled.labels(each.state).inc()
            if each.pause_seconds is not None:
                self._pause.observe(each.pause_seconds)
        self._counted = {key: at for key, at in self._counted.items() if at > oldest}

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._databases.control_db()
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
