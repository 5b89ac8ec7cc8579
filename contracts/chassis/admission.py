"""Admission: the order in which a server handles waiting requests, and which of them it refuses.

Under overload, a server that handles every request handles all of them too late. The queue here keeps the waiting time
short and uses the capacity for what matters most: higher priorities first, tenants in turn, and an early refusal for
the rest.
"""

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from enum import IntEnum
from itertools import islice
from typing import Final, Generic, TypeVar

import msgspec

from contracts.chassis.active_tenants import ActiveTenants
from contracts.chassis.processor_budget import ProcessorBudget, RecentUsage

T = TypeVar("T")

TARGET_SECONDS: Final = 0.25
"""The default of `AdmissionQueue.target`."""
BURST_FACTOR: Final = 4
"""A queue that was empty within the last `BURST_FACTOR * target` seconds absorbs a burst: requests wait up to that."""
MOST_SHARES: Final = 4
"""A tenant may always use a processor divided by this, however many others use up their shares."""
EQUAL_LOAD: Final = 4
"""A tenant that uses more than this many times what the other active ones use on average is limited to a quarter."""
SHARE_OF_LONG: Final = 1 / 8
"""The share of one processor that the long searches of one tenant may use."""
UNKNOWN_TENANT: Final = "?"
"""The tenant of all requests that use the shared dependency for a tenant which cannot be seen; no business has this
name."""
SEARCH_CREDIT: Final = 0.05
OTHER_CREDIT: Final = 0.1
"""Seconds of processor time that a tenant may use at once after a rest: some searches, or some bookings and pages."""


class Priority(IntEnum):
    """The order in which waiting requests start; the last ones are the first to be refused."""

    HEALTH = 0
    SIGN_IN = 1
    CONFIRM = 2
    """Confirmations and cancellations: they complete or release what is already occupied."""
    BOOK = 3
    OTHER = 4
    SEARCH = 5
    SHADOW = 6


class RequestClass(msgspec.Struct, frozen=True):
    """The properties of a request that are known before it is read."""

    priority: Priority = Priority.OTHER
    tenant: str = ""
    """The business; requests without one are not limited by tenant."""
    shared: bool = False
    """Whether the request uses the shared dependency, scheduling, which may not hold all threads."""
    wants_page: bool = False
    """Whether a refusal is an HTML page."""
    streamed: bool = False
    """Whether a thread has to wait for the body, for as long as the client likes."""


_Lane = tuple[str, bool, bool]
"""Waiting requests of a tenant that may start under the same conditions, so that none blocks those of another kind."""


class Ticket(msgspec.Struct, Generic[T], eq=False):
    """A request that waits or runs. `arrived` is on the monotonic clock."""

    item: T
    kind: RequestClass
    arrived: float
    started: bool = False
    processor_seconds: float = 0.0
    """Processor time that the request has used; set by the server before `AdmissionQueue.finished`."""
    waited_seconds: float = 0.0
    """Time for which it waited for a processor; set likewise."""
    part_at_start: float = 0.0
    """`AdmissionQueue._part` when it started."""
    tenant_exists: bool = False
    """Whether the application has found the tenant; set like `processor_seconds`."""


class AdmissionQueue(Generic[T]):
    """Decides which request starts next, with `places` at once. Not thread-safe: it belongs to one event loop.

    - Priorities are strict; within one, tenants take turns, and a tenant's requests of a kind start in the order of
      arrival.
    - Requests that use the shared dependency occupy at most three quarters of the places, and those of one tenant at
      most half while another tenant is active. Of these, searches occupy at most a quarter: they are bound by the
      processor, so that more of them at once would only slow everyone down. For the same reason, searches use a share
      of one processor (`ProcessorBudget`) while another tenant is active: half of it if no other tenant has used up its
      share, a third beside one that has, and a quarter beside more, or beside tenants that use little. So do a tenant's
      other requests but sign-ins and sign-ups, with a share of their own. The share is one of what the process gets: on
      a busy machine, waiting for a processor counts like using it. Requests that wait at once wait for the same
      processor, so each is charged its part of the time that has passed.
    - While a request runs that neither searches nor uses the shared dependency, searches of all tenants together occupy
      at most a quarter of the places, since each of them delays it.
    - If all active tenants have used up their shares, none has to be protected: their turns alone divide the processor.
    - Tenants count as active only after a request of theirs has shown that they exist, so that invented ones limit no
      other.
    - Streamed requests of all clients together occupy at most a quarter of the places, and so do sign-ins: few can
      compute a hash at once, and the others would hold threads until it is their turn.
    - A request that waits longer than `target` seconds is refused once the queue has not been empty for four times as
      long; until then, it may wait that long. So a burst is absorbed, while a standing queue stays short.
    """

    def __init__(
        self, places: int, *, target: float = TARGET_SECONDS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._places = places
        self._shared_places = shared_places(places)
        self._tenant_places = max(1, places // 2)
        self._quarter = max(1, places // 4)
        self._target = target
        self._now = now
        self._waiting: list[OrderedDict[_Lane, deque[Ticket[T]]]] = [OrderedDict() for _ in Priority]
        self._in_order: deque[Ticket[T]] = deque()
        self._size = 0
        self._last_empty = now()
        self._running = 0
        self._running_shared = 0
        self._running_streamed = 0
        self._running_sign_ins = 0
        self._running_searches = 0
        self._running_apart = 0
        self._running_of: dict[tuple[str, bool], int] = {}
        self._part = 0.0
        """How much of the time that has passed belongs to a request that was always running: at each moment, all that
        run have equal parts."""
        self._part_until = now()
        self._active = ActiveTenants(now)
        self._search_budget = ProcessorBudget(credit=SEARCH_CREDIT, share_of_long=SHARE_OF_LONG, now=now)
        self._other_budget = ProcessorBudget(credit=OTHER_CREDIT, now=now)
        self._usage = RecentUsage(now)

    def __len__(self) -> int:
        return self._size

    def add(self, item: T, kind: RequestClass) -> None:
        """Add a request that has just arrived."""
        now = self._now()
        if not self._size:
            self._last_empty = now
        ticket = Ticket(item, kind, now)
        self._waiting[kind.priority].setdefault(_lane(kind), deque()).append(ticket)
        self._in_order.append(ticket)
        self._size += 1
        self._active.requested(kind.tenant)

    def start_next(self) -> Ticket[T] | None:
        """Return the next request to handle, to be passed to `finished` later; None if none may start now.

        While requests wait, ask again after each change, and also after some time: limits of tenants end by themselves.
        """
        if not self._size or self._running >= self._places:
            return None
        for lanes in self._waiting:
            for lane, tickets in lanes.items():
                if self._may_start(tickets[0].kind):
                    ticket = tickets.popleft()
                    del lanes[lane]
                    if tickets:  # at the end of the turn
                        lanes[lane] = tickets
                    self._start(ticket)
                    return ticket
        return None

    def finished(self, ticket: Ticket[T]) -> None:
        """Release the place of a request that `start_next` returned, and charge its processor time to its tenant."""
        self._count(ticket.kind, -1)
        if ticket.tenant_exists and ticket.kind.tenant:
            self._active.exists(ticket.kind.tenant)
        if ticket.kind.tenant and ticket.kind.priority >= Priority.CONFIRM:
            self._charge(ticket)

    def refuse_late(self) -> Iterator[Ticket[T]]:
        """Remove and yield the requests that have waited too long."""
        before = self._now() - self.patience()
        while self._in_order and (self._in_order[0].started or self._in_order[0].arrived <= before):
            ticket = self._in_order.popleft()
            if not ticket.started:
                self._remove(ticket)
                yield ticket

    def patience(self) -> float:
        """Return for how long a request may wait at the moment, in seconds."""
        burst = BURST_FACTOR * self._target
        return self._target if self._size and self._now() - self._last_empty > burst else burst

    def _charge(self, ticket: Ticket[T]) -> None:
        kind, used = ticket.kind, ticket.processor_seconds
        waited = min(ticket.waited_seconds, max(0.0, self._part - ticket.part_at_start - used))
        self._usage.add(kind.tenant, used + waited)
        share, limited = 1 / MOST_SHARES, False
        if not self._is_alone(kind):
            share, limited = self._share(kind), self._is_limited(kind)
        self._budget_of(kind).charge(kind.tenant, used, share, waited=waited, limited=limited)

    def _start(self, ticket: Ticket[T]) -> None:
        ticket.started = True
        self._size -= 1
        self._count(ticket.kind, 1)
        ticket.part_at_start = self._part
        while self._in_order and self._in_order[0].started:
            self._in_order.popleft()

    def _may_start(self, kind: RequestClass) -> bool:
        return self._has_place(kind) and (not kind.tenant or self._is_alone(kind) or self._may_use_place(kind))

    def _has_place(self, kind: RequestClass) -> bool:
        """Return whether requests of its kind, of all tenants together, may occupy one more place."""
        if kind.shared and self._running_shared >= self._shared_places:
            return False
        if kind.streamed:
            return self._running_streamed < self._quarter
        if kind.priority == Priority.SIGN_IN:
            return self._running_sign_ins < self._quarter
        return not (_searches(kind) and self._running_apart and self._running_searches >= self._quarter)

    def _may_use_place(self, kind: RequestClass) -> bool:
        """Return whether its tenant may occupy one more place while others are active."""
        if (
            kind.priority >= Priority.CONFIRM
            and not self._budget_of(kind).allows(kind.tenant)
            and self._is_limited(kind)
        ):
            return False
        if _searches(kind) and self._running_of.get((kind.tenant, True), 0) >= self._quarter:
            return False
        return self._running_of.get((kind.tenant, False), 0) < self._tenant_places

    def _is_alone(self, kind: RequestClass) -> bool:
        return next(self._active.others(kind.tenant), None) is None

    def _is_limited(self, kind: RequestClass) -> bool:
        """Return whether another active tenant has not used up its share."""
        return not self._budget_of(kind).all_used_up(self._active.others(kind.tenant))

    def _budget_of(self, kind: RequestClass) -> ProcessorBudget:
        return self._search_budget if kind.priority >= Priority.SEARCH else self._other_budget

    def _share(self, kind: RequestClass) -> float:
        """Return the tenant's share of a processor.

        Random differences between tenants with about equal loads restrict none of them; one beside calm ones has the
        smallest share, so that it does not slow them.
        """
        others = list(islice(self._active.others(kind.tenant), MOST_SHARES))
        used_by_others = sum(map(self._usage.of, others)) / max(1, len(others))
        divided = 1 / min(MOST_SHARES, 2 + self._budget_of(kind).used_up_by_others(kind.tenant))
        return min(divided, max(1 / MOST_SHARES, EQUAL_LOAD * used_by_others))

    def _count(self, kind: RequestClass, change: int) -> None:
        now = self._now()
        if self._running:
            self._part += (now - self._part_until) / self._running
        self._part_until = now
        self._running += change
        self._running_shared += change * kind.shared
        self._running_streamed += change * kind.streamed
        self._running_sign_ins += change * (kind.priority == Priority.SIGN_IN)
        searches = _searches(kind)
        self._running_searches += change * searches
        self._running_apart += change * (kind.priority < Priority.SEARCH and not kind.shared)
        if not kind.tenant:
            return
        for key in ((kind.tenant, False), (kind.tenant, True))[: 1 + searches]:
            running = self._running_of.get(key, 0) + change
            if running:
                self._running_of[key] = running
            else:
                del self._running_of[key]

    def _remove(self, ticket: Ticket[T]) -> None:
        lanes, lane = self._waiting[ticket.kind.priority], _lane(ticket.kind)
        lanes[lane].remove(ticket)
        if not lanes[lane]:
            del lanes[lane]
        self._size -= 1


def _lane(kind: RequestClass) -> _Lane:
    return kind.tenant, kind.shared, kind.streamed


def _searches(kind: RequestClass) -> bool:
    """Return whether it counts as a search; streamed requests wait for their client, and have a limit of their own."""
    return kind.priority >= Priority.SEARCH and not kind.streamed


def shared_places(threads: int) -> int:
    """Return how many of a server's threads may use the shared dependency at once: three quarters."""
    return max(1, threads * 3 // 4)
