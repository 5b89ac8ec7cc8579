"""The Redis stream, and the checkpoint: the publication time up to which the outbox is in the stream.

The checkpoint is one field per database in the hash `PUBLISHED`, written by the same atomic script as the events. Redis
loses its newest writes first, so the checkpoint that survives shows exactly which events were lost. To have events
published again for another reason, a consumer or operator moves the checkpoint back or deletes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.chassis.redis_client import connect
from contracts.scheduling.event_signatures import EventSecrets
from contracts.scheduling.events import PUBLISHED, STREAM, parse_checkpoint
from contracts.scheduling.values import DatabaseName
from scheduling_service.relay.outbox import OutboxRow

PUBLISHED_FIELDS: Mapping[DatabaseName, str] = {"monolith": "in_process", "scheduling": "http"}
"""The fields of the first two databases in the hash `PUBLISHED`; that of any other has its name. They are stored in
Redis: with other names, an upgraded relay would lose its position and publish every event again."""

PUBLISH = """
local published = redis.call('HGET', KEYS[2], ARGV[1]) or ''
if published ~= ARGV[2] or (published ~= '' and redis.call('EXISTS', KEYS[1]) == 0) then return 0 end
for i = 4, #ARGV, 3 do
  local signature = ARGV[i + 2] ~= '' and {'signature', ARGV[i + 2]} or {}
  redis.call('XADD', KEYS[1], '*', 'id', ARGV[i], 'event', ARGV[i + 1], unpack(signature))
end
if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], ARGV[1], ARGV[3]) end
return 1
"""


STATE = """
return {redis.call('HGET', KEYS[2], ARGV[1]), redis.call('EXISTS', KEYS[1]), redis.call('XLEN', KEYS[1])}
"""


class CheckpointConflict(Exception):
    """The checkpoint is not the one that this relay wrote: Redis lost it, or republication was requested."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """The checkpoint and the number of entries in the stream.

    `published_until` is the time that the checkpoint means, None if nothing counts as published. `checkpoint` is its
    text as it is stored, for `publish`: the same time can be spelled in several ways.
    """

    published_until: datetime | None
    checkpoint: str
    entries: int


class EventStream:
    """Methods raise redis.RedisError. Every call ends within seconds, even if Redis does not respond."""

    def __init__(self, redis_url: str, source: DatabaseName, secrets: EventSecrets | None = None) -> None:
        """`secrets` sign the events; without them, they are not signed."""
        self._secrets = secrets
        self._redis: Any = connect(redis_url, decode_responses=True, encoding_errors="surrogateescape")
        self._field = PUBLISHED_FIELDS.get(source, source)

    def close(self) -> None:
        self._redis.close()

    def state(self) -> StreamState:
        """Read the checkpoint and the stream's length.

        Deletes a checkpoint that has no stream or is malformed, such as a time without a zone.
        """
        # One script costs the relay half as much as a transaction of three commands, every two seconds.
        checkpoint, exists, entries = self._redis.eval(STATE, 2, STREAM, PUBLISHED, self._field)
        until = parse_checkpoint(checkpoint)
        if checkpoint is not None and (until is None or not exists):
            self._redis.hdel(PUBLISHED, self._field)
            checkpoint = until = None
        return StreamState(until, checkpoint or "", entries)

    def publish(self, rows: list[OutboxRow], *, before: str, after: datetime | None) -> str:
        """Append all rows and move the checkpoint from the text `before` to `after`, or do nothing and raise.

        Return the text of the new checkpoint; with `after` None it stays as it is. Raises CheckpointConflict if the
        checkpoint is not `before`. If the reply is lost, the outcome is unknown.
        """
        checkpoint = after.isoformat() if after else ""
        arguments: list[str | bytes] = [self._field, before, checkpoint]
        for row in rows:
            signature = self._secrets.sign(row.payload) if self._secrets else ""
            arguments += [str(row.event_id), row.payload, signature]
        if not self._redis.eval(PUBLISH, 2, STREAM, PUBLISHED, *arguments):
            raise CheckpointConflict
        return checkpoint or before

    def trim(self, longest: int) -> None:
        """Delete entries that every group has processed, and the oldest beyond about `longest` entries."""
        floor = self._oldest_needed()
        if floor is not None:
            self._redis.xtrim(STREAM, minid=floor, approximate=True)
        self._redis.xtrim(STREAM, maxlen=longest, approximate=True)

    def _oldest_needed(self) -> str | None:
        """Return the oldest entry that some group still needs to read or acknowledge; None if there is no group."""
        if not self._redis.exists(STREAM):
            return None
        needed = []
        for group in self._redis.xinfo_groups(STREAM):
            pending = self._redis.xpending(STREAM, group["name"])
            needed.append(pending["min"] or group["last-delivered-id"])
        return min(needed, key=_entry_order, default=None)


def _entry_order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)
