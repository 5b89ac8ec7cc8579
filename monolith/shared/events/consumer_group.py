"""A consumer group of the stream, in commands that Redis 6.2 has, and answers of 6.2 and 7 alike."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from contracts.chassis.backoff import backoff_delay
from contracts.scheduling.events import PUBLISHED, STREAM

CONSUMER = "worker"
"""One name for every process: entries are taken over by their idle time, so that names need not tell processes apart
and none is left behind by a process that ended."""

CLOCKS_APART = timedelta(minutes=15)
"""An entry's id is Redis' time, the published mark is a database's; they may differ by less than this."""

BEGINNING = "0-0"


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One delivery of one stream entry. The fields are as they came: nothing about them was checked."""

    entry_id: str
    fields: dict[bytes, bytes]
    deliveries: int

    @property
    def stated_id(self) -> str:
        return self.fields.get(b"id", b"").decode(errors="backslashreplace")

    @property
    def payload(self) -> bytes:
        return self.fields.get(b"event", b"")


class ConsumerGroup:
    """Raises redis.RedisError; no call waits longer than two seconds, `read` at most `block_ms`."""

    def __init__(self, redis_url: str, group: str, *, block_ms: int = 1000) -> None:
        self._redis = connect(redis_url)
        self._group = group
        self._block_ms = block_ms

    def close(self) -> None:
        self._redis.close()

    def create(self) -> None:
        """From the oldest entry there is; a group that exists stays as it is."""
        try:
            self._redis.xgroup_create(STREAM, self._group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def read(self, count: int, *, wait: bool) -> list[StreamEntry]:
        """Entries that no consumer of the group has been given. Creates the group where it is missing, as it is when
        Redis has lost everything."""
        block = self._block_ms if wait else None
        try:
            answer = self._redis.xreadgroup(self._group, CONSUMER, {STREAM: ">"}, count=count, block=block)
        except redis.ResponseError as error:
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            self.create()
            return []
        return [StreamEntry(entry_id.decode(), fields, 1) for _, entries in answer for entry_id, fields in entries]

    def claim_overdue(self, first_wait: float, longest_wait: float, count: int) -> tuple[list[StreamEntry], list[str]]:
        """Entries that were delivered and not acknowledged, by a consumer that died or that failed.

        An entry's wait doubles with each delivery, from `first_wait` seconds. The second list names the entries
        that were trimmed off the stream meanwhile: they are lost to it, and acknowledged here.
        """
        due = {
            each["message_id"]: each["times_delivered"]
            for each in self._pending(first_wait, count)
            if each["time_since_delivered"] >= 1000 * backoff_delay(each["times_delivered"], first_wait, longest_wait)
        }
        if not due:
            return [], []
        answer = self._redis.xclaim(STREAM, self._group, CONSUMER, int(first_wait * 1000), list(due))
        # Redis 6.2 answers nil for a trimmed entry, 7 leaves it out; either leaves out what another has claimed first.
        claimed = {entry_id: fields for entry_id, fields in answer if entry_id is not None}
        entries = [StreamEntry(i.decode(), claimed[i], due[i] + 1) for i in due if claimed.get(i)]
        trimmed = [i for i in due if not claimed.get(i) and not self._redis.xrange(STREAM, i, i)]
        self.acknowledge(i.decode() for i in trimmed)
        return entries, [i.decode() for i in trimmed]

    def acknowledge(self, entry_ids: Iterable[str]) -> None:
        ids = list(entry_ids)
        if ids:
            self._redis.xack(STREAM, self._group, *ids)

    def trimmed_after(self) -> str | None:
        """The id of the last entry this group was given, when entries after it may have been trimmed unread. The
        relay's own trimming leaves that last entry in place."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.xinfo_stream(STREAM)
        pipeline.xinfo_groups(STREAM)
        try:
            stream, groups = pipeline.execute()
        except redis.ResponseError:
            return None  # no stream: nothing is known to have been in it
        given = next((g["last-delivered-id"] for g in groups if g["name"] == self._group.encode()), None)
        if given is None or given == stream["last-generated-id"]:
            return None
        first = stream["first-entry"]
        if given == BEGINNING.encode():
            complete = stream.get("entries-added") == stream["length"]  # not told by Redis 6.2
        else:
            complete = first is not None and _order(first[0]) <= _order(given)
        return None if complete else str(given.decode())

    def add(self, event_id: str, payload: bytes) -> None:
        """Put an event at the end of the stream, for every group; those that applied it ignore it."""
        self._redis.xadd(STREAM, {"id": event_id, "event": payload})

    def request_republication(self, after: str | None) -> None:
        """Have the relays publish again what they published since the entry `after`, or (None) all that they keep."""
        if after is None or after == BEGINNING:
            self._redis.delete(PUBLISHED)
            return
        since = datetime.fromtimestamp(int(after.partition("-")[0]) / 1000, UTC) - CLOCKS_APART
        for source, mark in self._redis.hgetall(PUBLISHED).items():
            if datetime.fromisoformat(mark.decode()) > since:
                self._redis.hset(PUBLISHED, source, since.isoformat())

    def _pending(self, idle_seconds: float, count: int) -> Any:
        try:
            return self._redis.xpending_range(STREAM, self._group, "-", "+", count, idle=int(idle_seconds * 1000))
        except redis.ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            return []


def connect(redis_url: str) -> Any:
    """A client that repeats no command by itself and answers bytes: what stands in the stream may be anything."""
    return redis.Redis.from_url(
        redis_url, protocol=2, retry=Retry(NoBackoff(), 0), socket_timeout=2.0, socket_connect_timeout=1.0
    )


def _order(entry_id: bytes) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition(b"-")
    return int(milliseconds), int(sequence)
