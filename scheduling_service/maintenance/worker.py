"""The caretaker of one database: settles the businesses that have something due."""

import logging
from collections import deque
from uuid import UUID, uuid4

import psycopg

from contracts.chassis.backoff import Backoff, Every
from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling import models as m
from contracts.scheduling.context import SYSTEM, CallContext
from contracts.scheduling.errors import BusinessNotFound, NotOwner, SchedulingError
from contracts.scheduling.port import SchedulingPort
from scheduling_service.maintenance.due_businesses import DueBusinesses

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.5
"""How long to wait before the next step when a step found nothing to do."""

WAITING_SECONDS = 60.0
"""How often those who wait are looked at, though no appointment made room: hours may have, or a rolling window."""

_BUSINESSES = 200
_AT_ONCE = 100
_SECONDS = 3.0


class MaintenanceWorker:
    """Call `step` again and again, from one thread. It never raises for a database that is away.

    Promises, per database: a hold that nobody confirmed is made an expired one, and its time offered to those who wait,
    within about a second of its end. One caretaker is active; another takes over within about a second of its end.
    Nothing depends on it but that: a hold whose time is over counts for nobody, with or without it.
    """

    def __init__(self, due: DueBusinesses, port: SchedulingPort, *, waiting_seconds: float = WAITING_SECONDS) -> None:
        self._due = due
        self._port = port
        self._todo: deque[UUID] = deque()
        self._look_at_holds, self._look_at_waiting = Every(IDLE_SECONDS), Every(waiting_seconds)
        self._last_waiting: UUID | None = None
        self._backoff = Backoff(first=0.1, longest=1.0)

    def step(self) -> bool:
        """Settle one business at most; True when there may be more to do at once."""
        if self._backoff.paused():
            return False
        try:
            return self._lead() and self._work()
        except psycopg.Error as error:
            self._stumble(error)
            self._due.close()
        except SchedulingError as error:
            self._stumble(error)
        return False

    def close(self) -> None:
        """Let go of the lead."""
        self._due.close()

    def _lead(self) -> bool:
        if self._due.leads:
            return True
        if not self._due.try_to_lead():
            self._backoff.pause(0.5)
            return False
        log.info("caretaker is active")
        return True

    def _work(self) -> bool:
        if self._look_at_holds.due():
            self._add(self._due.with_overdue_holds(_BUSINESSES))
        if not self._todo and (self._last_waiting is not None or self._look_at_waiting.due()):
            self._add_waiting()
        if not self._todo:
            self._backoff.succeeded(lambda: log.info("caretaker works again"))
            return False
        self._settle(self._todo[0])
        self._todo.popleft()
        self._backoff.succeeded(lambda: log.info("caretaker works again"))
        return True

    def _add(self, businesses: list[UUID]) -> None:
        self._todo.extend(each for each in businesses if each not in self._todo)

    def _add_waiting(self) -> None:
        """A page of them; the next step that has nothing else to do goes on behind it."""
        page = self._due.with_people_waiting(self._last_waiting, _BUSINESSES)
        self._last_waiting = page[-1] if len(page) == _BUSINESSES else None
        self._add(page)

    def _settle(self, business_id: UUID) -> None:
        ctx = CallContext(business_id, SYSTEM, Deadline.after(_SECONDS), new_trace(), f"caretaker-{uuid4().hex}")
        try:
            settled = self._port.settle(ctx, m.Settle(limit=_AT_ONCE))
        except (NotOwner, BusinessNotFound):
            # Moved away since it was found to be due: the other side's caretaker has it now.
            return
        if settled.expired == _AT_ONCE or settled.offered == _AT_ONCE:
            self._todo.append(business_id)

    def _stumble(self, error: Exception) -> None:
        """Rest for a moment that grows; another business is tried first then. Say why, at most every ten seconds."""
        self._todo.rotate(-1)
        self._backoff.failed()
        if self._backoff.should_log():
            log.warning("caretaker waits: %s", " ".join(str(error).split()) or type(error).__name__)
