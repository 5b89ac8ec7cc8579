"""A consumer group of the event stream. Compatible with Redis 6.2 and 7."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import redis

from contracts.chassis.backoff import backoff_delay
from contracts.chassis.redis_client import connect
from contracts.scheduling.event_signatures import EventSecrets
from contracts.scheduling.events import PUBLISHED, STREAM, parse_checkpoint

CONSUMER = "worker"
"""One consumer name for all processes: pending entries are claimed by their idle time, so names need not identify
processes, and no stale name remains when a process ends."""

MAX_CLOCK_DIFFERENCE = timedelta(minutes=15)
"""Bound on the difference between the clock of Redis (entry ids) and that of a database (watermarks)."""

BEGINNING = "0-0"

LARGEST_EVENT = 64 * 1024
"""Bytes of an encoded event that consumers accept; it usually has about one kilobyte."""


_GROUP_POSITION = """
local function fields(reply)
  local found = {}
  for i = 1, #reply, 2 do found[reply[i]] = reply[i + 1] end
  return found
end
if redis.call('EXISTS', KEYS[1]) == 0 then return {} end
local stream = fields(redis.call('XINFO', 'STREAM', KEYS[1]))
for _, each in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local group = fields(each)
  if group['name'] == ARGV[1] then
    local first = stream['first-entry']
    return {group['last-delivered-id'], stream['last-generated-id'], first and first[1] or '', stream['length'],
            stream['entries-added'] or -1}
  end
end
return {}
"""
"""A script, because the replies of XINFO contain two whole entries. Redis 6.2 does not count the entries added."""


class Loss(NamedTuple):
    """Entries that a group cannot receive: those after the entry `after`, or any if it is None.

    Two losses with the same `position` are the same one, seen again.
    """

    reason: str
    after: str | None
    position: str


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One delivery of a stream entry. The fields are not validated."""

    entry_id: str
    fields: dict[bytes, bytes]
    deliveries: int
    authentic: bool = True
    """Whether a relay or a consumer has signed it; true if signatures are not checked."""

    @property
    def stated_id(self) -> str:
        return self.fields.get(b"id", b"").decode(errors="backslashreplace")

    @property
    def payload(self) -> bytes:
        return self.fields.get(b"event", b"")


class ConsumerGroup:
    """The group of one consumer. Methods raise redis.RedisError, and time out after two seconds.

    With `secrets`, signatures are checked, and entries that it adds are signed.
    """

    def __init__(
        self, redis_url: str, group: str, *, block_ms: int = 1000, secrets: EventSecrets | None = None
    ) -> None:
        self._secrets = secrets
        self._redis = connect(redis_url)
        self._group = group
        self._block_ms = block_ms

    def close(self) -> None:
        self._redis.close()

    def create(self) -> None:
        """Create the group at the oldest entry, unless it exists."""
        try:
            self._redis.xgroup_create(STREAM, self._group, id="0", mkstream=True)
        except redis.ResponseError as error:
            if not str(error).startswith("BUSYGROUP"):
                raise

    def read(self, count: int, *, wait: bool) -> list[StreamEntry]:
        """Return undelivered entries; acknowledges those for other groups, without returning them.

        Creates the group if it is missing, for example after Redis lost its data.
        """
        block = self._block_ms if wait else None
        try:
            answer = self._redis.xreadgroup(self._group, CONSUMER, {STREAM: ">"}, count=count, block=block)
        except redis.ResponseError as error:
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            self.create()
            return []
        return self._own([self._entry(entry_id, fields, 1) for _, entries in answer for entry_id, fields in entries])

    def claim_overdue(self, first_wait: float, longest_wait: float, count: int) -> tuple[list[StreamEntry], list[str]]:
        """Claim entries that were delivered but not acknowledged, because a consumer crashed or failed.

        The delay before a retry doubles with each delivery, starting at `first_wait` seconds. The second list contains
        the ids of pending entries that have been trimmed off the stream; they stay pending until they are acknowledged.
        """
        due = {
            each["message_id"]: each["times_delivered"]
            for each in self._pending(first_wait, count)
            if each["time_since_delivered"] >= 1000 * backoff_delay(each["times_delivered"], first_wait, longest_wait)
        }
        if not due:
            return [], []
        answer = self._redis.xclaim(STREAM, self._group, CONSUMER, int(first_wait * 1000), list(due))
        # For a trimmed entry Redis 6.2 returns nil, Redis 7 nothing; both omit entries that another consumer claimed.
        claimed = {entry_id: fields for entry_id, fields in answer if entry_id is not None}
        entries = [self._entry(i, claimed[i], due[i] + 1) for i in due if claimed.get(i)]
        trimmed = [i for i in due if not claimed.get(i) and not self._redis.xrange(STREAM, i, i)]
        return self._own(entries), [i.decode() for i in trimmed]

    def acknowledge(self, entry_ids: Iterable[str]) -> None:
        ids = list(entry_ids)
        if ids:
            self._redis.xack(STREAM, self._group, *ids)

    def find_loss(self) -> Loss | None:
        """Return the loss of entries after the last delivered one, if some may have been trimmed unread.

        The relay's trimming keeps the last delivered entry. Once the group has read on, nothing shows the loss.

        A group that is ahead of the stream (XGROUP SETID) would skip every entry. It is set back to the oldest one, and
        may have lost any.
        """
        answer = self._redis.eval(_GROUP_POSITION, 1, STREAM, self._group)
        if not answer:
            return None  # No stream or no group, so no known entries.
        delivered, newest, oldest, length, added = answer
        if delivered == newest:
            return None
        position = delivered.decode()
        if entry_order(delivered) > entry_order(newest):
            self._redis.xgroup_setid(STREAM, self._group, BEGINNING)
            return Loss("the group was ahead of the stream and is set back", None, position)
        if delivered == BEGINNING.encode():
            is_complete = added == length
        else:
            is_complete = bool(oldest) and entry_order(oldest) <= entry_order(delivered)
        return None if is_complete else Loss("the stream was trimmed before entries were read", position, position)

    def add(self, event_id: str, payload: bytes) -> None:
        """Append an event to the stream, for this group only: another one would store its own letter of an invalid one.

        Groups of earlier releases handle it too.
        """
        signature = {"signature": self._secrets.sign(payload)} if self._secrets else {}
        self._redis.xadd(STREAM, {"id": event_id, "event": payload, "consumer": self._group, **signature})

    def request_republication(self, after: str | None) -> None:
        """Make the relays republish everything since the entry `after`, or everything they retain if it is None.

        Everything, too, if the id of `after` is in the future, because the entries after it were then added at any
        time: Redis gives no id below an earlier one, even if another client or a wrong clock has made that one.

        Checkpoints only move back, also if several groups move them at once. One that cannot be read is deleted.
        """
        since = None if after is None or after == BEGINNING else self._added_at(after)
        if since is None:
            self._redis.delete(PUBLISHED)
        else:
            self._redis.transaction(partial(_move_back, since - MAX_CLOCK_DIFFERENCE), PUBLISHED)

    def _added_at(self, entry_id: str) -> datetime | None:
        """Return the time in an entry's id; None if it is in the future."""
        seconds = entry_order(entry_id)[0] / 1000
        return None if seconds > redis_time(self._redis) else datetime.fromtimestamp(seconds, UTC)

    def _own(self, entries: list[StreamEntry]) -> list[StreamEntry]:
        own = [each for each in entries if each.fields.get(b"consumer", self._group.encode()) == self._group.encode()]
        if len(own) < len(entries):
            kept = {each.entry_id for each in own}
            self.acknowledge(each.entry_id for each in entries if each.entry_id not in kept)
        return own

    def _entry(self, entry_id: bytes, fields: dict[bytes, bytes], deliveries: int) -> StreamEntry:
        authentic = self._secrets is None or self._secrets.verify(
            fields.get(b"event", b""), fields.get(b"signature", b"")
        )
        return StreamEntry(entry_id.decode(), fields, deliveries, authentic)

    def _pending(self, idle_seconds: float, count: int) -> Any:
        try:
            return self._redis.xpending_range(STREAM, self._group, "-", "+", count, idle=int(idle_seconds * 1000))
        except redis.ResponseError as error:
            if not str(error).startswith("NOGROUP"):
                raise
            return []


def _move_back(since: datetime, transaction: Any) -> None:
    """Set back the checkpoints that are later than `since`, in a transaction that watches them."""
    stored = transaction.hgetall(PUBLISHED)
    transaction.multi()
    for source, text in stored.items():
        checkpoint = parse_checkpoint(text)
        if checkpoint is None:
            transaction.hdel(PUBLISHED, source)
        elif checkpoint > since:
            transaction.hset(PUBLISHED, source, since.isoformat())


@dataclass(frozen=True, slots=True)
class GroupBacklog:
    """What a group has not applied. `undelivered` is None where Redis does not know it."""

    undelivered: int | None
    pending: int
    oldest_seconds: float


class GroupReader:
    """Reads the backlogs of consumer groups for metrics. Methods raise redis.RedisError."""

    def __init__(self, redis_url: str) -> None:
        self._redis = connect(redis_url)
        self._oldest: dict[str, tuple[tuple[int, int], float]] = {}

    def stream_length(self) -> int:
        """Return the number of entries in the stream."""
        return int(self._redis.xlen(STREAM))

    def backlog(self, group: str) -> GroupBacklog:
        """Return the backlog of a group; a group that does not exist yet still needs the whole stream."""
        try:
            groups = self._redis.xinfo_groups(STREAM)
        except redis.ResponseError:
            return GroupBacklog(0, 0, 0.0)  # No stream, so no entries.
        found: dict[str, Any] = next((each for each in groups if each["name"] == group.encode()), {})
        pending: dict[str, Any] = self._redis.xpending(STREAM, group) if found else {"pending": 0, "min": None}
        delivered = found.get("last-delivered-id", BEGINNING.encode()).decode()
        following = self._redis.xrange(STREAM, f"({delivered}", "+", count=1)
        needed = [entry_id for entry_id in (pending["min"], *(entry_id for entry_id, _ in following)) if entry_id]
        age = self._age(group, min((entry_order(each) for each in needed), default=None))
        lag = found.get("lag") if found else self.stream_length()
        return GroupBacklog(lag, int(pending["pending"]), age)

    def _age(self, group: str, oldest: tuple[int, int] | None) -> float:
        """Return how long the group's oldest entry has waited, by its id, but at least as long as it was seen here.

        The id does not tell if it is in the future.
        """
        if oldest is None:
            self._oldest.pop(group, None)
            return 0.0
        known, since = self._oldest.get(group, (None, 0.0))
        if known != oldest:
            since = time.monotonic()
            self._oldest[group] = oldest, since
        return max(redis_time(self._redis) - oldest[0] / 1000, time.monotonic() - since)


def redis_time(client: Any) -> float:
    """Return the time of Redis, whose clock dates the entries, in seconds since 1970."""
    seconds, microseconds = client.time()
    return float(seconds + microseconds / 1_000_000)


def entry_order(entry_id: str | bytes) -> tuple[int, int]:
    """Return a sort key of a stream entry's id."""
    text = entry_id.decode() if isinstance(entry_id, bytes) else entry_id
    milliseconds, _, sequence = text.partition("-")
    return int(milliseconds), int(sequence)
