"""The relay of one database: publishes what is unpublished, and again what Redis has lost."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
from redis import RedisError

from contracts.chassis.backoff import Backoff, Every
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.outbox import Outbox, OutboxRow
from scheduling_service.relay.stream import CheckpointConflict, EventStream

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.1
"""How long to wait before the next step when a step found nothing to do."""

BATCH = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """`retention`: published rows are kept this long, since Redis may lose them. `longest_stream`: entries that the
    stream may hold for a consumer that lags. `room`: what is published again waits while the stream is longer."""

    retention: timedelta = timedelta(days=7)
    longest_stream: int = 100_000
    room: int = 20_000


class Relay:
    """Call `step` again and again, from one thread. It never raises for a database or a Redis that is away.

    Promises, per database: every committed outbox row reaches the stream at least once, also when its transaction
    committed late or Redis lost it (within the retention). One relay is active; another takes over within about a
    second of its end. Order is that of the outbox, except for rows that are published again.
    """

    def __init__(
        self, outbox: Outbox, stream: EventStream, metrics: RelayMetrics, limits: Limits | None = None
    ) -> None:
        self._outbox = outbox
        self._stream = stream
        self.metrics = metrics
        self._limits = limits or Limits()
        self._newest: datetime | None = None
        self._published_until: datetime | None = None
        self._was_behind = False
        self._room = True
        self._look_at_redis, self._measure, self._prune = Every(1), Every(5), Every(60)
        self._backoff = Backoff(first=0.1, longest=1.0)

    def step(self) -> bool:
        """Do what can be done now; True when there may be more to do at once."""
        if self._backoff.paused():
            return False
        try:
            return self._lead() and self._work()
        except CheckpointConflict:
            self._look_at_redis.make_due()
            return True
        except psycopg.Error as error:
            self._stumble("the outbox cannot be read", error)
            self._outbox.close()
        except RedisError as error:
            self._stumble("Redis takes no events", error)
            self._look_at_redis.make_due()
        return False

    def close(self) -> None:
        """Let go of the lead and of both connections."""
        self._outbox.close()
        self._stream.close()

    def _lead(self) -> bool:
        if self._outbox.leads:
            return True
        if not self._outbox.try_to_lead():
            self.metrics.active.set(0)
            self._backoff.pause(0.5)
            return False
        self._newest = self._outbox.newest_published()
        self._look_at_redis.make_due()
        self.metrics.active.set(1)
        log.info("relay is active")
        return True

    def _work(self) -> bool:
        if self._measure.due():
            self.metrics.show(self._outbox.backlog())
        if self._look_at_redis.due():
            self._compare_with_redis()
        published = self._publish_new()
        published = (self._room and self._publish_again()) or published
        self._backoff.succeeded(lambda: log.info("relay publishes again"))
        if self._prune.due():
            self._drop_old()
        return published

    def _compare_with_redis(self) -> None:
        state = self._stream.state()
        behind = self._behind(state.published_until)
        if behind and not self._was_behind:
            since = state.published_until or "the oldest that is kept"
            log.warning("Redis lacks events that were published: publishing again from %s", since)
        self._published_until, self._was_behind = state.published_until, behind
        self._room = state.entries < self._limits.room
        self._stream.trim(self._limits.longest_stream)

    def _behind(self, published_until: datetime | None) -> bool:
        return self._newest is not None and (published_until is None or published_until < self._newest)

    def _publish_new(self) -> bool:
        rows = self._outbox.unpublished(BATCH)
        if not rows:
            return False
        moment = self._later_than_newest(rows[0].published_at)
        # While events of the past are still missing, the mark stays where they begin.
        mark = self._published_until if self._behind(self._published_until) else moment
        self._publish(rows, mark)
        self._outbox.mark(rows, moment)
        self._newest = moment
        return len(rows) == BATCH

    def _publish_again(self) -> bool:
        if not self._behind(self._published_until):
            return False
        rows = self._outbox.published_after(self._published_until, BATCH)
        if not rows:  # Pruned since: nothing is left to publish again.
            self._newest = self._published_until
            return False
        self._publish(rows, rows[-1].published_at)
        self.metrics.published_again.inc(len(rows))
        return True

    def _publish(self, rows: list[OutboxRow], mark: datetime | None) -> None:
        self._stream.publish(rows, before=self._published_until, after=mark)
        self._published_until = mark
        self.metrics.published.inc(len(rows))

    def _later_than_newest(self, moment: datetime) -> datetime:
        """Each batch has its own time of publication, and they only grow, even when the server's clock is set back."""
        return moment if self._newest is None else max(moment, self._newest + timedelta(microseconds=1))

    def _drop_old(self) -> None:
        if self._outbox.prune(self._limits.retention, limit=1_000) == 1_000:
            self._prune.make_due()

    def _stumble(self, what: str, error: Exception) -> None:
        """Rest for a moment that grows; say why, at most every ten seconds, and how much waits."""
        self._backoff.failed()
        if self._backoff.should_log():
            log.warning("relay waits: %s (%s)%s", what, _line(error), self._waiting())

    def _waiting(self) -> str:
        try:
            backlog = self._outbox.backlog()
        except psycopg.Error:
            return ""
        self.metrics.show(backlog)
        return f"; {backlog.rows} events wait, the oldest for {backlog.oldest_seconds:.0f} s"


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
