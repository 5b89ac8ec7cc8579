"""The Redis side: the stream, and beside it the mark that says until when the outbox has been published into it.

The mark is one field per database in the hash `PUBLISHED`, written in the same atomic script as the events. Redis
loses its newest writes first, so the mark that is left tells exactly which events are lost with it. Whoever finds that
events are missing for another reason sets the mark back or deletes it, and the relays publish again from there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from contracts.scheduling.events import PUBLISHED, STREAM
from contracts.scheduling.values import DatabaseName
from scheduling_service.relay.outbox import OutboxRow

PUBLISHED_FIELDS: Mapping[DatabaseName, str] = {"monolith": "in_process", "scheduling": "http"}
"""The field of each database in the hash `PUBLISHED`. The names are stored in Redis: with other names, an upgraded
relay would lose its position and publish every event again."""

PUBLISH = """
local published = redis.call('HGET', KEYS[2], ARGV[1]) or ''
if published ~= ARGV[2] or (published ~= '' and redis.call('EXISTS', KEYS[1]) == 0) then return 0 end
for i = 4, #ARGV, 2 do redis.call('XADD', KEYS[1], '*', 'id', ARGV[i], 'event', ARGV[i + 1]) end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) end
return 1
"""


class CheckpointConflict(Exception):
    """The mark is not what this relay wrote: Redis lost it, or somebody asked for events to be published again."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """`published_until` is None when nothing counts as published; `entries` is the stream's length."""

    published_until: datetime | None
    entries: int


class EventStream:
    """Raises redis.RedisError; every call ends within seconds, also when Redis is silent."""

    def __init__(self, redis_url: str, source: DatabaseName) -> None:
        self._redis = connect(redis_url)
        self._field = PUBLISHED_FIELDS[source]

    def close(self) -> None:
        self._redis.close()

    def state(self) -> StreamState:
        """A mark without its stream, or one that is no time, is removed first."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.hget(PUBLISHED, self._field)
        pipeline.exists(STREAM)
        pipeline.xlen(STREAM)
        mark, exists, entries = pipeline.execute()
        until = _moment(mark)
        if mark is not None and (until is None or not exists):
            self._redis.hdel(PUBLISHED, self._field)
            until = None
        return StreamState(until, entries)

    def publish(self, rows: list[OutboxRow], *, before: datetime | None, after: datetime | None) -> None:
        """Append all rows and move the mark from `before` to `after`, or do nothing and raise. When the reply is
        lost, it may have been done. Raises CheckpointConflict when the mark is not `before`."""
        arguments: list[str | bytes] = [self._field, _text(before), _text(after)]
        for row in rows:
            arguments += [str(row.event_id), row.payload]
        if not self._redis.eval(PUBLISH, 2, STREAM, PUBLISHED, *arguments):
            raise CheckpointConflict

    def trim(self, longest: int) -> None:
        """Drop what every group has finished with, and in any case what exceeds `longest` entries (about)."""
        floor = self._unfinished()
        if floor is not None:
            self._redis.xtrim(STREAM, minid=floor, approximate=True)
        self._redis.xtrim(STREAM, maxlen=longest, approximate=True)

    def _unfinished(self) -> str | None:
        """The oldest entry that some group still needs to read or to acknowledge, or its last one; None: no group."""
        if not self._redis.exists(STREAM):
            return None
        needed = []
        for group in self._redis.xinfo_groups(STREAM):
            pending = self._redis.xpending(STREAM, group["name"])
            needed.append(pending["min"] or group["last-delivered-id"])
        return min(needed, key=_entry_order, default=None)


def connect(redis_url: str) -> Any:
    """A client that never repeats a command by itself (a repeated XADD writes twice) and never waits long."""
    return redis.Redis.from_url(
        redis_url,
        decode_responses=True,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=2.0,
        socket_connect_timeout=1.0,
    )


def _moment(mark: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(mark) if mark else None
    except ValueError:
        return None


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def _entry_order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)
