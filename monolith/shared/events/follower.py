"""The consumer loop of one module; the worker calls `step` repeatedly."""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from prometheus_client import CollectorRegistry
from redis import RedisError

from contracts.chassis import tracing
from contracts.chassis.backoff import Every
from contracts.chassis.retention import Retention
from contracts.scheduling.events import AnyEvent, decode_event
from monolith.shared.database import DatabaseUnavailable
from monolith.shared.events.apply_events import InvalidEntry, apply_events, read_event
from monolith.shared.events.batch import ApplyOutcome
from monolith.shared.events.consumer import Consumer, EventRejected
from monolith.shared.events.consumer_group import ConsumerGroup, Loss, StreamEntry, entry_order
from monolith.shared.events.inbox import Inbox
from monolith.shared.events.metrics import ConsumerMetrics
from monolith.shared.events.republication import EARLY_EVENTS, Republication

log = logging.getLogger(__name__)

CLOCK_MARGIN = timedelta(days=1)
"""Exceeds any difference between the clocks of two databases."""


@dataclass(frozen=True, slots=True)
class FollowerSettings:
    """Retry and batch settings; times are in seconds.

    Up to `batch` events are applied in one transaction. After a batch that is not full, the next read is delayed by
    `linger`, so that a steady flow of events forms batches. Entries are retried every `inspect_every`, and after a
    reconnect. An event becomes a dead letter after `attempts` deliveries, by default after about three minutes.
    A gap of `gap` seconds makes the relays republish; while it persists, again every `republish_every`. An event that
    occurred longer than `oldest` ago becomes a dead letter unless the inbox shows that it was applied; it must be
    shorter than the inbox's retention.
    """

    attempts: int = 8
    first_retry: float = 2.0
    longest_retry: float = 60.0
    batch: int = 100
    linger: float = 0.2
    inspect_every: float = 5.0
    check_every: float = 15.0
    gap: float = 60.0
    republish_every: float = 300.0
    oldest: timedelta = Retention().inbox - CLOCK_MARGIN


class Follower:
    """Consumes the stream for one module. Several processes may run followers of the same consumer.

    `after_batch` is called after each commit.
    """

    def __init__(
        self,
        consumer: Consumer,
        group: ConsumerGroup,
        settings: FollowerSettings | None = None,
        after_batch: Callable[[], None] = lambda: None,
        metrics: ConsumerMetrics | None = None,
    ) -> None:
        self._after_batch = after_batch
        self._metrics = metrics or ConsumerMetrics(CollectorRegistry())
        self._metrics.add_consumer(consumer.name)
        self._consumer = consumer
        self._group = group
        self._settings = settings or FollowerSettings()
        self._inbox = Inbox(consumer.name)
        self._database_unavailable = False
        self._inspection = Every(self._settings.inspect_every)
        self._checks = Every(self._settings.check_every)
        self._next_read = 0.0
        self._republication = Republication(consumer.name, group, self._settings.republish_every)

    def step(self) -> bool:
        """Process due and new entries, waiting for new ones if none is due; return whether there were any.

        Raises redis.RedisError and DatabaseUnavailable; such failures do not count as attempts.
        """
        try:
            self._require_database()
            retried = self._inspect()
            entries = self._read(wait=not retried)
            self._handle_batch(entries)
        except Exception:
            self._inspection.make_due()
            raise
        return bool(entries) or retried

    def close(self) -> None:
        self._group.close()

    def _require_database(self) -> None:
        if self._database_unavailable:
            self._consumer.database.ping()
            self._database_unavailable = False

    def _inspect(self) -> bool:
        """Check for gaps, and retry overdue entries if that is due; return whether any entries were retried.

        The check precedes each read: once later entries are read, nothing shows that the stream was trimmed.
        """
        self._check_gaps()
        return self._inspection.due() and self._retry()

    def _read(self, *, wait: bool) -> list[StreamEntry]:
        time.sleep(max(0.0, self._next_read - time.monotonic()))
        entries = self._group.read(self._settings.batch, wait=wait)
        if entries and len(entries) < self._settings.batch:
            self._next_read = time.monotonic() + self._settings.linger
        return entries

    def _retry(self) -> bool:
        settings = self._settings
        entries, trimmed = self._group.claim_overdue(settings.first_retry, settings.longest_retry, count=200)
        if trimmed:
            oldest = min(trimmed, key=entry_order)
            reason = f"{len(trimmed)} entries were trimmed before they were applied"
            self._republication.request(Loss(reason, oldest, oldest))
            self._group.acknowledge(trimmed)  # Only now: a request that fails is repeated.
        for entry in entries:
            self._handle(entry)
        return bool(entries)

    def _handle_batch(self, entries: Sequence[StreamEntry]) -> None:
        """Apply all entries in one transaction; if that fails, one by one, to find the entries that fail."""
        valid, invalid = _read_events(entries)
        if len(valid) > 1:
            try:
                self._apply([event for _, event in valid])
            except RedisError:
                raise
            except Exception as error:
                log.info("%s: applying %d events one by one: %s", self._consumer.name, len(valid), error)
            else:
                self._group.acknowledge([entry.entry_id for entry, _ in valid])
                valid = []
        for entry in (*(entry for entry, _ in valid), *invalid):
            self._handle(entry)

    def _handle(self, entry: StreamEntry) -> None:
        """Acknowledge the entry once it is applied or a dead letter; otherwise leave it pending for a retry."""
        event: AnyEvent | None = None
        try:
            event = read_event(entry)
            self._apply([event])
        except (InvalidEntry, EventRejected) as error:
            self._dead_letter(entry, event, error)
        except RedisError:
            raise  # Raised after the effect was committed; the retry finds it applied.
        except DatabaseUnavailable as error:
            self._database_unavailable = True
            self._require_database()  # The database is available, so the event itself failed.
            if not self._gave_up(entry, event, error):
                return
        except Exception as error:
            if not self._gave_up(entry, event, error):
                return
        self._group.acknowledge([entry.entry_id])

    def _apply(self, events: Sequence[AnyEvent]) -> None:
        began = tracing.now_ns()
        plan = apply_events(self._consumer, self._inbox, events, oldest=self._settings.oldest)
        self._metrics.applied(self._consumer.name, plan.applied)
        if tracing.is_on():
            for event in plan.applied:
                tracing.finished_span(f"apply to {self._consumer.name}", "consumer", event.traceparent or None, began)
        self._after_batch()
        for event, outcome in zip(events, plan.outcomes, strict=True):
            if outcome is ApplyOutcome.EARLY:
                log.info("%s: %s is early and waits for its predecessor", self._consumer.name, _describe(event))
        for payload in plan.successors:
            self._add(payload)

    def _gave_up(self, entry: StreamEntry, event: AnyEvent | None, error: Exception) -> bool:
        if entry.deliveries >= self._settings.attempts:
            self._dead_letter(entry, event, error)
            return True
        self._metrics.attempt_failed(self._consumer.name)
        log.warning(
            "%s: attempt %d of %d failed for %s: %s",
            self._consumer.name, entry.deliveries, self._settings.attempts, _describe(event), error, exc_info=error,
        )  # fmt: skip
        return False

    def _dead_letter(self, entry: StreamEntry, event: AnyEvent | None, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        with self._consumer.database.transaction() as connection:
            self._inbox.add_dead_letter(connection, entry, event, reason)
        self._metrics.dead_lettered(self._consumer.name)
        log.error("%s: %s (%s) is a dead letter: %s", self._consumer.name, _describe(event), entry.entry_id, reason)

    def _check_gaps(self) -> None:
        loss = self._group.find_loss()
        if loss is None:
            self._republication.stream_is_complete()
        else:
            self._republication.request(loss)
        if self._checks.due():
            self._check_early_events()

    def _check_early_events(self) -> None:
        min_age = timedelta(seconds=self._settings.gap)
        with self._consumer.database.transaction() as connection:
            stranded = self._inbox.stranded_successors(connection, min_age)
            gaps = self._inbox.gaps(connection, min_age, self._settings.oldest)
        for payload in stranded:  # A process ended right after it applied the predecessor.
            self._add(payload)
        if gaps:
            first = gaps[0]
            reason = f"{len(gaps)} events wait for a predecessor, e.g. {first.appointment_id} version {first.version}"
            self._republication.request(Loss(reason, None, EARLY_EVENTS))

    def _add(self, payload: bytes) -> None:
        self._group.add(str(decode_event(payload).event_id), payload)


def _read_events(entries: Sequence[StreamEntry]) -> tuple[list[tuple[StreamEntry, AnyEvent]], list[StreamEntry]]:
    """Decode the entries; return the valid ones with their events, and the invalid ones."""
    valid, invalid = list[tuple[StreamEntry, AnyEvent]](), list[StreamEntry]()
    for entry in entries:
        try:
            valid.append((entry, read_event(entry)))
        except InvalidEntry:
            invalid.append(entry)
    return valid, invalid


def _describe(event: AnyEvent | None) -> str:
    if event is None:
        return "an entry"
    return f"{event.appointment.appointment_id} version {event.version}"
