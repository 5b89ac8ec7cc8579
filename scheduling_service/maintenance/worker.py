"""The maintenance worker of one database: settles businesses with due work, then prunes idempotency keys."""

import logging
import time
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
from scheduling_service.maintenance.expired_keys import ExpiredKeys

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.5
"""How long to wait before the next step after a step that found nothing to do."""
LONGEST_IDLE_SECONDS = 2.0
"""The wait doubles up to this while nothing is found."""

LONGEST_CHECK_SECONDS = 5.0
"""How often holds are examined while none is about to expire. A new hold lasts a minute or more; an offer shortly
before its time, and a hold that arrives with a cutover, may expire sooner."""

WAITING_SECONDS = 60.0
"""How often waitlists are examined without a cancellation: changed hours or a rolling window may have freed time."""

_PAGE_SIZE = 200
_SETTLE_LIMIT = 100
_SETTLE_SECONDS = 3.0


class MaintenanceWorker:
    """Settles due businesses. Call `step` repeatedly from one thread; failures of the database are retried.

    An unconfirmed hold expires, and its time is offered to the waitlist, within about two seconds of its end. One
    worker per database is active; another takes over within about two seconds of its end. Nothing else depends on it:
    an overdue hold occupies no time, with or without this worker.
    """

    def __init__(
        self,
        due: DueBusinesses,
        port: SchedulingPort,
        expired_keys: ExpiredKeys,
        *,
        waiting_seconds: float = WAITING_SECONDS,
    ) -> None:
        self._due = due
        self._port = port
        self._expired_keys = expired_keys
        self._todo: deque[UUID] = deque()
        self._next_holds_check = 0.0
        self._waitlist_check = Every(waiting_seconds)
        self._last_with_waitlist: UUID | None = None
        self._backoff = Backoff(first=0.1, longest=1.0)

    def step(self) -> bool:
        """Settle one business or prune one batch of keys; return whether there may be more to do immediately."""
        if self._backoff.paused():
            return False
        try:
            return self._lead() and self._work()
        except psycopg.Error as error:
            self._pause(error)
            self._due.close()
        except SchedulingError as error:
            self._pause(error)
        return False

    def close(self) -> None:
        """Release the leadership."""
        self._due.close()

    def _lead(self) -> bool:
        if self._due.leads:
            return True
        if not self._due.try_to_lead():
            self._backoff.pause(0.5)
            return False
        self._next_holds_check = 0.0
        log.info("maintenance is active")
        return True

    def _work(self) -> bool:
        if time.monotonic() >= self._next_holds_check:
            self._add_overdue_holds()
        if not self._todo and (self._last_with_waitlist is not None or self._waitlist_check.due()):
            self._add_waitlists()
        if self._todo:
            self._settle(self._todo[0])
            self._todo.popleft()
            more = True
        else:
            more = self._expired_keys.step()
        self._backoff.succeeded(lambda: log.info("maintenance resumed"))
        return more

    def _add(self, businesses: list[UUID]) -> None:
        self._todo.extend(each for each in businesses if each not in self._todo)

    def _add_overdue_holds(self) -> None:
        """Add the businesses, and plan the next check for when the next hold expires."""
        self._add(self._due.with_overdue_holds(_PAGE_SIZE))
        left = self._due.seconds_to_next_expiry(LONGEST_CHECK_SECONDS)
        self._next_holds_check = time.monotonic() + max(left, IDLE_SECONDS)

    def _add_waitlists(self) -> None:
        """Add one page; the next step without other work continues with the next page."""
        page = self._due.with_waitlist(self._last_with_waitlist, _PAGE_SIZE)
        self._last_with_waitlist = page[-1] if len(page) == _PAGE_SIZE else None
        self._add(page)

    def _settle(self, business_id: UUID) -> None:
        ctx = CallContext(
            business_id, SYSTEM, Deadline.after(_SETTLE_SECONDS), new_trace(), f"maintenance-{uuid4().hex}"
        )
        try:
            settled = self._port.settle(ctx, m.Settle(limit=_SETTLE_LIMIT))
        except (NotOwner, BusinessNotFound):
            # The business has moved to the other database, whose worker will settle it.
            return
        if settled.expired == _SETTLE_LIMIT or settled.offered == _SETTLE_LIMIT:
            self._todo.append(business_id)

    def _pause(self, error: Exception) -> None:
        """Back off, and try another business first next time. Log the reason, at most every ten seconds."""
        self._todo.rotate(-1)
        self._backoff.failed()
        if self._backoff.should_log():
            log.warning("maintenance paused: %s", " ".join(str(error).split()) or type(error).__name__)
