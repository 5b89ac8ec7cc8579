"""Metrics of the consumers: what each applied, and what it has not applied yet."""

import time
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from sqlalchemy import MetaData, func, select

from contracts.scheduling.events import AnyEvent
from monolith.shared.events.consumer import Consumer
from monolith.shared.events.consumer_group import GroupReader
from monolith.shared.events.tables import consumer_tables

_DELAY_BUCKETS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)


class ConsumerMetrics:
    """Counts the events that the consumers of this process handled. Thread-safe."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._delay = Histogram(
            "event_consumer_delay_seconds",
            "Time from a change to the application of its event, by the clocks of database and consumer.",
            ["consumer"],
            buckets=_DELAY_BUCKETS,
            registry=registry,
        )
        self._retries = Counter(
            "event_consumer_failed_attempts",
            "Attempts to apply an event that failed and will be repeated.",
            ["consumer"],
            registry=registry,
        )
        self._dead = Counter(
            "event_consumer_dead_lettered", "Events that became dead letters.", ["consumer"], registry=registry
        )

    def add_consumer(self, consumer: str) -> None:
        """Count the events of the consumer from 0."""
        for metric in (self._delay, self._retries, self._dead):
            metric.labels(consumer)

    def applied(self, consumer: str, events: Sequence[AnyEvent]) -> None:
        """Record events that were applied now."""
        delay, now = self._delay.labels(consumer), time.time()
        for event in events:
            delay.observe(max(0.0, now - event.occurred_at.timestamp()))

    def attempt_failed(self, consumer: str) -> None:
        self._retries.labels(consumer).inc()

    def dead_lettered(self, consumer: str) -> None:
        self._dead.labels(consumer).inc()


class ConsumerBacklog:
    """Reads the backlog of all consumers, as a source of `ScrapedMetrics`. Not thread-safe."""

    def __init__(self, redis_url: str, consumers: Sequence[Consumer]) -> None:
        self._groups = GroupReader(redis_url)
        self._consumers = consumers

    def read(self) -> Iterator[Metric]:
        """Yield the metrics. Raises redis.RedisError and DatabaseUnavailable."""
        undelivered = _gauge("event_consumer_lag", "Stream entries not delivered to the consumer (Redis 7 or newer).")
        pending = _gauge("event_consumer_pending", "Stream entries delivered to the consumer and not applied yet.")
        oldest = _gauge("event_consumer_lag_seconds", "Age of the oldest stream entry that is not applied yet.")
        dead = _gauge("event_consumer_dead_letters", "Dead letters that wait for an operator.")
        early = _gauge("event_consumer_early_events", "Events that wait for their predecessor.")
        for consumer in self._consumers:
            backlog, labels = self._groups.backlog(consumer.name), [consumer.name]
            if backlog.undelivered is not None:
                undelivered.add_metric(labels, backlog.undelivered)
            pending.add_metric(labels, backlog.pending)
            oldest.add_metric(labels, backlog.oldest_seconds)
            dead_letters, early_events = _rows(consumer)
            dead.add_metric(labels, dead_letters)
            early.add_metric(labels, early_events)
        length = GaugeMetricFamily("event_stream_entries", "Entries in the event stream.", self._groups.stream_length())
        yield from (undelivered, pending, oldest, dead, early, length)


def _gauge(name: str, help_text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, labels=["consumer"])


def _rows(consumer: Consumer) -> tuple[int, int]:
    """Return the number of dead letters and of early events; both tables are nearly always empty."""
    tables = consumer_tables(MetaData(), consumer.name)
    counts = select(
        select(func.count()).select_from(tables.dead_letter).scalar_subquery(),
        select(func.count()).select_from(tables.early_event).scalar_subquery(),
    )
    row = consumer.database.query(lambda connection: connection.execute(counts).one())
    return int(row[0]), int(row[1])
