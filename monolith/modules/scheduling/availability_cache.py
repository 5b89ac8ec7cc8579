"""A short-lived cache of availability searches: a remedy to measure before extracting a service."""

import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Final, NamedTuple
from uuid import UUID

from contracts.scheduling.context import CallContext
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from monolith.modules.scheduling.searches import SEARCHES

MAX_ENTRIES: Final = 10_000
"""The maximum number of cached replies per process; the oldest is evicted first."""


class _Entry(NamedTuple):
    requested_at: float
    reply: Any


class AvailabilityCache(SchedulingPort):
    """A port whose search replies may be up to `seconds` old. Thread-safe.

    The database decides every booking, so booking a slot that has been taken fails as usual. After a write, successful
    or not, the actor's own searches are fresh; after a write by staff, all searches of the business are. Each process
    has its own cache. Replies are cached per actor; errors are not cached. `on_search` is called for each search,
    with true for a cache hit.
    """

    def __init__(
        self, port: SchedulingPort, *, seconds: float, on_search: Callable[[bool], None], max_entries: int = MAX_ENTRIES
    ) -> None:
        self._port = port
        self._seconds = seconds
        self._on_search = on_search
        self._max_entries = max_entries
        self._entries: dict[Hashable, _Entry] = {}
        # The time of the last write per customer, or per business for staff: older entries are invalid.
        self._last_write: dict[UUID, float] = {}
        self._lock = Lock()

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        if operation.name in SEARCHES:
            return self._search(operation, ctx, request)
        try:
            return self._port.call(operation, ctx, request)
        finally:
            if operation.writes:
                writer = ctx.actor.id if ctx.actor.kind == "customer" else ctx.business_id
                self._record_write(writer, time.monotonic())

    def _search(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        key = (operation.name, ctx.business_id, ctx.actor, request)
        now = time.monotonic()
        entry = self._entries.get(key)
        if entry is not None and entry.requested_at > self._oldest_valid(ctx, now):
            self._on_search(True)
            found: R = entry.reply
            return found
        reply = self._port.call(operation, ctx, request)
        self._on_search(False)
        self._store(key, _Entry(now, reply))
        return reply

    def _oldest_valid(self, ctx: CallContext, now: float) -> float:
        writes = (self._last_write.get(key, 0.0) for key in (ctx.actor.id, ctx.business_id))
        return max(now - self._seconds, *writes)

    def _store(self, key: Hashable, entry: _Entry) -> None:
        with self._lock:
            # Reinsert at the end, so that the first entry is the oldest.
            self._entries.pop(key, None)
            if len(self._entries) >= self._max_entries:
                del self._entries[next(iter(self._entries))]
            self._entries[key] = entry

    def _record_write(self, writer: UUID, now: float) -> None:
        with self._lock:
            self._last_write.pop(writer, None)
            self._last_write[writer] = now
            # Entries older than such a write have expired anyway.
            while (first := next(iter(self._last_write))) != writer and self._last_write[first] < now - self._seconds:
                del self._last_write[first]
