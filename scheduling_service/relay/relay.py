"""The relay of one database: publishes new events, and republishes events that Redis has lost."""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from redis import RedisError

from contracts.chassis import tracing
from contracts.chassis.backoff import Backoff, Every
from contracts.chassis.retention import Retention
from contracts.scheduling.events import traceparent_of
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.outbox import Outbox, OutboxRow
from scheduling_service.relay.stream import CheckpointConflict, EventStream

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.1
"""How long to wait before the next step after a step that found nothing to do."""
LONGEST_IDLE_SECONDS = 0.5
"""The wait doubles up to this while nothing is found. No NOTIFY wakes the relay: it would serialize all commits that
write to the outbox, whose sessions would hold a lock on the whole database cluster while they flush their log."""

BATCH = 200
EXPECTED_CONFLICTS = 3
"""Conflicts in a row from which the relay backs off: one follows each request for republication and each loss."""
PRUNED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class RelayLimits:
    """Limits of the outbox and the stream.

    `retention`: how long published rows are kept, because Redis may lose them. `longest_stream`: the entries that the
    stream may hold for a lagging consumer. `room`: nothing is republished while the stream has more entries than this.
    `linger`: the wait after a batch that is not full, so that a steady flow of events forms batches.
    """

    retention: timedelta = Retention().outbox
    longest_stream: int = 100_000
    room: int = 20_000
    linger: timedelta = timedelta(seconds=0.1)


class Relay:
    """Publishes one database's outbox. Call `step` repeatedly from one thread.

    Every committed outbox row reaches the stream at least once, even if its transaction committed late or Redis lost it
    (within the retention). Events are in the order of the outbox, except republished ones. One relay per database is
    active; another takes over within about a second of its end. Failures of the database or of Redis are retried.
    """

    def __init__(
        self, outbox: Outbox, stream: EventStream, metrics: RelayMetrics, limits: RelayLimits | None = None
    ) -> None:
        self._outbox = outbox
        self._stream = stream
        self.metrics = metrics
        self._limits = limits or RelayLimits()
        self._newest: datetime | None = None
        self._published_until: datetime | None = None
        self._checkpoint = ""
        self._conflicts = 0
        self._was_behind = False
        self._has_room = True
        self._next_publication = 0.0
        self._redis_check, self._backlog_check, self._trim, self._prune = Every(2), Every(5), Every(5), Every(60)
        self._backoff = Backoff(first=0.1, longest=1.0)

    def step(self) -> bool:
        """Do what can be done now; return whether there may be more to do immediately."""
        if self._backoff.paused():
            return False
        try:
            return self._lead() and self._work()
        except CheckpointConflict as error:
            self._redis_check.make_due()
            self._conflicts += 1
            if self._conflicts < EXPECTED_CONFLICTS:
                return True
            self._pause("the checkpoint changes again and again", error)
        except psycopg.Error as error:
            self._pause("the outbox cannot be read", error)
            self._outbox.close()
            self.metrics.no_longer_active()
        except RedisError as error:
            self._pause("Redis does not accept events", error)
            self._redis_check.make_due()
        return False

    def close(self) -> None:
        """Release the leadership and both connections."""
        self._outbox.close()
        self._stream.close()

    def _lead(self) -> bool:
        if self._outbox.leads:
            return True
        if not self._outbox.try_to_lead():
            self.metrics.no_longer_active()
            self._backoff.pause(0.5)
            return False
        self._newest = self._outbox.newest_published()
        self._redis_check.make_due()
        self.metrics.active.set(1)
        log.info("relay is active")
        return True

    def _work(self) -> bool:
        if self._backlog_check.due():
            self.metrics.set_backlog(self._outbox.backlog())
        if self._redis_check.due():
            self._compare_with_redis()
        published = self._publish_new()
        published = (self._has_room and self._republish()) or published
        self._backoff.succeeded(lambda: log.info("relay resumed"))
        if self._prune.due():
            self._prune_old()
        return published

    def _compare_with_redis(self) -> None:
        state = self._stream.state()
        behind = self._behind(state.published_until)
        if behind and not self._was_behind:
            since = state.published_until or "the oldest one kept"
            log.warning("Redis has lost published events: republishing from %s", since)
        self._published_until, self._checkpoint, self._was_behind = state.published_until, state.checkpoint, behind
        self._has_room = state.entries < self._limits.room
        if self._trim.due():
            self._stream.trim(self._limits.longest_stream)

    def _behind(self, published_until: datetime | None) -> bool:
        return self._newest is not None and (published_until is None or published_until < self._newest)

    def _publish_new(self) -> bool:
        time.sleep(max(0.0, self._next_publication - time.monotonic()))
        rows = self._outbox.unpublished(BATCH)
        if not rows:
            return False
        moment = self._later_than_newest(rows[0].published_at)
        # While older events are missing from the stream, the checkpoint stays before them.
        checkpoint = self._published_until if self._behind(self._published_until) else moment
        self._publish(rows, checkpoint)
        self._outbox.mark_published(rows, moment)
        self._newest = moment
        if len(rows) < BATCH:
            self._next_publication = time.monotonic() + self._limits.linger.total_seconds()
        return True

    def _republish(self) -> bool:
        if not self._behind(self._published_until):
            return False
        rows = self._outbox.published_after(self._published_until, BATCH)
        if not rows:  # They have been pruned.
            self._newest = self._published_until
            return False
        self._publish(rows, rows[-1].published_at)
        self.metrics.published_again.inc(len(rows))
        return True

    def _publish(self, rows: list[OutboxRow], checkpoint: datetime | None) -> None:
        began = tracing.now_ns()
        self._checkpoint = self._stream.publish(rows, before=self._checkpoint, after=checkpoint)
        self._published_until, self._conflicts = checkpoint, 0
        if tracing.is_on():
            for row in rows:
                tracing.finished_span("publish event", "producer", traceparent_of(row.payload), began)
        self.metrics.published.inc(len(rows))

    def _later_than_newest(self, moment: datetime) -> datetime:
        """Return a publication time later than every earlier batch's, even if the server's clock was set back."""
        return moment if self._newest is None else max(moment, self._newest + timedelta(microseconds=1))

    def _prune_old(self) -> None:
        if self._outbox.prune(self._limits.retention, PRUNED_AT_ONCE) == PRUNED_AT_ONCE:
            self._prune.make_due()

    def _pause(self, what: str, error: Exception) -> None:
        """Back off; log the reason and the backlog, at most every ten seconds."""
        self._backoff.failed()
        if self._backoff.should_log():
            log.warning("relay paused: %s (%s)%s", what, _line(error), self._describe_backlog())

    def _describe_backlog(self) -> str:
        try:
            backlog = self._outbox.backlog()
        except psycopg.Error:
            return ""
        self.metrics.set_backlog(backlog)
        return f"; {backlog.rows} events are waiting, the oldest for {backlog.oldest_seconds:.0f} s"


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
