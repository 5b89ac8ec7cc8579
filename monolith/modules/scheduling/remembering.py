"""Answers searches from memory for a few seconds: what to try, and to measure, before taking a service out."""

import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Final
from uuid import UUID

from contracts.scheduling import operations as ops
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import SlotUnavailable
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import OneCallPort

SEARCHES: Final = frozenset(
    operation.name for operation in (ops.SEARCH_SLOTS, ops.NEXT_AVAILABLE, ops.GET_OVERVIEW, ops.SEARCH_VISITS)
)
MOST: Final = 10_000
"""Answers that a process remembers; the oldest goes first."""


class RememberedAvailability(OneCallPort):
    """The same port, whose searches may be `seconds` old.

    A start that is listed may have been taken meanwhile: booking it is refused as always, for nothing is decided from
    memory. After a refusal, and after a change by staff, this process searches that business anew; other processes have
    memories of their own. Customers get no answers that were made for others. Errors are not remembered. `answered` is
    told of each search whether it came from memory.
    """

    def __init__(
        self, port: OneCallPort, *, seconds: float, answered: Callable[[bool], None], most: int = MOST
    ) -> None:
        self._port = port
        self._seconds = seconds
        self._answered = answered
        self._most = most
        self._known: dict[Hashable, tuple[float, Any]] = {}
        self._lock = Lock()
        # A part of every key: what was asked before a change and answered after it, is found by nobody.
        self._changes: dict[UUID, int] = {}

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        if operation.name in SEARCHES:
            return self._search(operation, ctx, request)
        try:
            return self._port.call(operation, ctx, request)
        except SlotUnavailable:
            self._search_anew(ctx.business_id)
            raise
        finally:
            if operation.writes and ctx.actor.kind != "customer":
                self._search_anew(ctx.business_id)

    def _search(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        key = (operation.name, ctx.business_id, self._changes.get(ctx.business_id, 0), ctx.actor, request)
        asked = time.monotonic()
        known = self._known.get(key)
        if known is not None and asked < known[0]:
            self._answered(True)
            found: R = known[1]
            return found
        reply = self._port.call(operation, ctx, request)
        self._answered(False)
        self._remember(key, asked + self._seconds, reply)
        return reply

    def _remember(self, key: Hashable, until: float, reply: object) -> None:
        with self._lock:
            # To the end: the first is the oldest.
            self._known.pop(key, None)
            if len(self._known) >= self._most:
                del self._known[next(iter(self._known))]
            self._known[key] = (until, reply)

    def _search_anew(self, business_id: UUID) -> None:
        with self._lock:
            self._changes[business_id] = self._changes.get(business_id, 0) + 1
