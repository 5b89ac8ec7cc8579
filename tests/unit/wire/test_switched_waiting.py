"""Calls that wait for the end of a cutover never hold all threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling.context import SYSTEM, CallContext
from contracts.scheduling.errors import NotOwner, Unavailable
from contracts.scheduling.port import OPERATIONS, SchedulingPort
from monolith.modules.scheduling.adapters.switched import SwitchedScheduling
from monolith.modules.scheduling.ownership import Ownership

(BOOK,) = [operation for operation in OPERATIONS if operation.name == "book"]


class Fenced(SchedulingPort):
    """A database without an active lease, until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def call(self, operation: Any, ctx: CallContext, request: Any) -> Any:
        if not self.released.is_set():
            raise NotOwner("fenced")
        return "done"


class FixedRoutes:
    """Routes to the monolith. `waiting` counts the calls that wait for a change."""

    def __init__(self, release: threading.Event) -> None:
        self.waiting = threading.Semaphore(0)
        self._release = release

    def owner(self, business_id: UUID) -> Ownership:
        return Ownership(owner="monolith", epoch=1)

    reload = claim = owner

    def changes(self) -> int:
        return 0

    def wait_for_change(self, seen: int, seconds: float) -> None:
        self.waiting.release()
        self._release.wait(5)


def test_one_call_too_many_is_refused_at_once_and_the_others_continue() -> None:
    fenced = Fenced()
    routes = FixedRoutes(fenced.released)
    port = SwitchedScheduling({"monolith": fenced, "scheduling": fenced}, routes, waiting_at_once=2)

    def book() -> Any:
        ctx = CallContext(uuid4(), SYSTEM, Deadline.after(5), new_trace(), "key")
        request: Any = None
        return port.call(BOOK, ctx, request)

    with ThreadPoolExecutor(2) as threads:
        waiting = [threads.submit(book) for _ in range(2)]
        for _ in waiting:
            assert routes.waiting.acquire(timeout=5)
        began = time.monotonic()
        with pytest.raises(Unavailable, match="is being moved"):
            book()
        assert time.monotonic() - began < 1
        fenced.released.set()
        assert [each.result(5) for each in waiting] == ["done", "done"]
