"""Answers searches from memory for a few seconds: what to try, and to measure, before taking a service out."""

import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Final, NamedTuple
from uuid import UUID

from contracts.scheduling.context import CallContext
from contracts.scheduling.operations import Operation, Q, R, operation_of
from contracts.scheduling.port import SchedulingPort

SEARCHES: Final = frozenset(
    operation_of(method).name
    for method in (
        SchedulingPort.search_slots,
        SchedulingPort.next_available,
        SchedulingPort.get_overview,
        SchedulingPort.search_visits,
    )
)
MAX_ENTRIES: Final = 10_000
"""Answers that a process remembers; the oldest goes first."""


class _Remembered(NamedTuple):
    asked: float
    reply: Any


class AvailabilityCache(SchedulingPort):
    """The same port, whose searches may be `seconds` old.

    A start that is listed may have been taken meanwhile: booking it is refused as always, for nothing is decided from
    memory. Whoever has written, with success or without, finds what came of it in their next search; what staff wrote,
    everybody of their business does; other processes have memories of their own. Customers get no answers that were
    made for others. Errors are not remembered. `answered` is told of each search whether it came from memory.
    """

    def __init__(
        self, port: SchedulingPort, *, seconds: float, on_search: Callable[[bool], None], max_entries: int = MAX_ENTRIES
    ) -> None:
        self._port = port
        self._seconds = seconds
        self._on_search = on_search
        self._max_entries = max_entries
        self._known: dict[Hashable, _Remembered] = {}
        # When a customer, or a business's staff, last wrote: what was asked before is as if it were forgotten.
        self._wrote: dict[UUID, float] = {}
        self._lock = Lock()

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        if operation.name in SEARCHES:
            return self._search(operation, ctx, request)
        try:
            return self._port.call(operation, ctx, request)
        finally:
            if operation.writes:
                who = ctx.actor.id if ctx.actor.kind == "customer" else ctx.business_id
                self._note(who, time.monotonic())

    def _search(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        key = (operation.name, ctx.business_id, ctx.actor, request)
        asked = time.monotonic()
        known = self._known.get(key)
        if known is not None and known.asked > self._oldest(ctx, asked):
            self._on_search(True)
            found: R = known.reply
            return found
        reply = self._port.call(operation, ctx, request)
        self._on_search(False)
        self._remember(key, _Remembered(asked, reply))
        return reply

    def _oldest(self, ctx: CallContext, now: float) -> float:
        wrote = (self._wrote.get(whose, 0.0) for whose in (ctx.actor.id, ctx.business_id))
        return max(now - self._seconds, *wrote)

    def _remember(self, key: Hashable, answer: _Remembered) -> None:
        with self._lock:
            # To the end: the first is the oldest.
            self._known.pop(key, None)
            if len(self._known) >= self._max_entries:
                del self._known[next(iter(self._known))]
            self._known[key] = answer

    def _note(self, who: UUID, now: float) -> None:
        with self._lock:
            self._wrote.pop(who, None)
            self._wrote[who] = now
            # Whoever wrote so long ago has no answer left that is older.
            while (first := next(iter(self._wrote))) != who and self._wrote[first] < now - self._seconds:
                del self._wrote[first]
