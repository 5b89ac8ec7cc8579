"""One module following the stream: `step` is what the worker calls again and again."""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from redis import RedisError

from contracts.scheduling.codec import decode_event
from contracts.scheduling.events import AnyEvent
from monolith.shared.database import DatabaseUnavailable
from monolith.shared.events.apply_event import ApplyOutcome, InvalidEntry, apply_event, read_event
from monolith.shared.events.consumer import Consumer, EventRejected
from monolith.shared.events.consumer_group import ConsumerGroup, StreamEntry
from monolith.shared.events.inbox import Inbox

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FollowerSettings:
    """Seconds, save `tries` and `batch`. An event that fails `tries` times is a dead letter: by these figures after
    three minutes. A gap that lasts `gap` seconds has the relays publish again, at most every `republish_every`."""

    tries: int = 8
    first_retry: float = 2.0
    longest_retry: float = 60.0
    batch: int = 20
    survey_every: float = 15.0
    gap: float = 60.0
    republish_every: float = 300.0


class Follower:
    """Any number of processes may follow for the same consumer."""

    def __init__(self, consumer: Consumer, group: ConsumerGroup, settings: FollowerSettings | None = None) -> None:
        self._consumer = consumer
        self._group = group
        self._settings = settings or FollowerSettings()
        self._inbox = Inbox(consumer.name)
        self._database_was_away = False
        self._next_survey = 0.0
        self._next_republication = 0.0

    def step(self) -> bool:
        """Handle what is due; waits for new entries when there is nothing. True when it handled any.

        Raises redis.RedisError and DatabaseUnavailable: events wait meanwhile, and no try is counted.
        """
        self._require_database()
        retried = self._retry()
        self._notice_gaps()
        entries = self._group.read(self._settings.batch, wait=not retried)
        for entry in entries:
            self._handle(entry)
        return bool(entries) or retried

    def close(self) -> None:
        self._group.close()

    def _require_database(self) -> None:
        if self._database_was_away:
            self._consumer.database.ping()
            self._database_was_away = False

    def _retry(self) -> bool:
        settings = self._settings
        entries, trimmed = self._group.claim_overdue(settings.first_retry, settings.longest_retry, count=200)
        if trimmed:
            self._request_republication(f"{len(trimmed)} entries were trimmed before they were applied", min(trimmed))
        for entry in entries:
            self._handle(entry)
        return bool(entries)

    def _handle(self, entry: StreamEntry) -> None:
        """Acknowledges the entry once its effect, or its death, is committed; otherwise leaves it for a later try."""
        event: AnyEvent | None = None
        try:
            event = read_event(entry)
            self._apply(event)
        except (InvalidEntry, EventRejected) as error:
            self._dead_letter(entry, event, error)
        except RedisError:
            raise  # Of what follows the effect, which is committed: the next try finds it done.
        except DatabaseUnavailable as error:
            self._database_was_away = True
            self._require_database()  # It is there: so it was this event.
            if not self._gave_up(entry, event, error):
                return
        except Exception as error:
            if not self._gave_up(entry, event, error):
                return
        self._group.acknowledge([entry.entry_id])

    def _apply(self, event: AnyEvent) -> None:
        outcome, next_event = apply_event(self._consumer, self._inbox, event)
        if outcome is ApplyOutcome.EARLY:
            log.info("%s: %s waits for its predecessor", self._consumer.name, _named(event))
        if next_event is not None:
            self._add(next_event)

    def _gave_up(self, entry: StreamEntry, event: AnyEvent | None, error: Exception) -> bool:
        if entry.deliveries >= self._settings.tries:
            self._dead_letter(entry, event, error)
            return True
        log.warning(
            "%s: try %d of %d failed for %s: %s",
            self._consumer.name, entry.deliveries, self._settings.tries, _named(event), error, exc_info=error,
        )  # fmt: skip
        return False

    def _dead_letter(self, entry: StreamEntry, event: AnyEvent | None, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}"
        with self._consumer.database.transaction() as connection:
            self._inbox.add_dead_letter(connection, entry, event, reason)
        log.error("%s: %s (%s) is a dead letter: %s", self._consumer.name, _named(event), entry.entry_id, reason)

    def _notice_gaps(self) -> None:
        after = self._group.trimmed_after()
        if after is not None:
            self._request_republication("the stream was trimmed ahead of it", after)
        if time.monotonic() >= self._next_survey:
            self._next_survey = time.monotonic() + self._settings.survey_every
            self._survey()

    def _survey(self) -> None:
        patience = timedelta(seconds=self._settings.gap)
        with self._consumer.database.transaction() as connection:
            forgotten = self._inbox.stranded_successors(connection, patience)
            gaps = self._inbox.gaps(connection, patience)
        for payload in forgotten:  # A process ended after it had applied the predecessor.
            self._add(payload)
        if gaps:
            first = gaps[0]
            reason = f"{len(gaps)} events wait for a predecessor, e.g. {first.appointment_id} version {first.version}"
            self._request_republication(reason, None)

    def _add(self, payload: bytes) -> None:
        self._group.add(str(decode_event(payload).event_id), payload)

    def _request_republication(self, reason: str, after: str | None) -> None:
        if time.monotonic() < self._next_republication:
            return
        self._next_republication = time.monotonic() + self._settings.republish_every
        log.warning("%s asks for events again: %s", self._consumer.name, reason)
        self._group.request_republication(after)


def _named(event: AnyEvent | None) -> str:
    if event is None:
        return "an entry"
    return f"{event.appointment.appointment_id} version {event.version}"
