"""Reads imported calendars, and blocks their busy times in scheduling. Runs in the worker, for all businesses.

Two kinds of loops share the work: one reads a calendar and records what must change, the other makes each change by the
port. In both, businesses take turns, and one occupies one loop at most. So a business that is being moved delays its
own changes only, and a crash between a change and its record is harmless: the change is repeated with the same
idempotency key.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from contracts.chassis.backoff import backoff_delay
from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling import errors as e
from contracts.scheduling import models as m
from contracts.scheduling.context import SYSTEM, CallContext
from contracts.scheduling.port import SchedulingPort
from monolith.modules.calendars import import_queue as queue
from monolith.modules.calendars.busy_times import CalendarRejected, read_busy_times
from monolith.modules.calendars.import_queue import DueImport, DueTime
from monolith.modules.calendars.import_turns import ImportTurn, end_turn, forget_turns, take_turn
from monolith.modules.calendars.intervals import Interval
from monolith.shared.database import ModuleDatabase
from monolith.shared.localization import N_
from monolith.shared.outbound import AddressRefused, OutboundClient, OutboundFailed

log = logging.getLogger(__name__)

HORIZON: Final = timedelta(days=120)
EVERY: Final = timedelta(hours=1)
FILE_EVERY: Final = timedelta(days=1)
"""A file does not change, but its recurring events enter the horizon."""
LARGEST: Final = 1024 * 1024
FETCH_SECONDS: Final = 4.0
CALL_SECONDS: Final = 2.0
SLOW_SECONDS: Final = 2.0
REST: Final = 3
"""After a reading that took longer than `SLOW_SECONDS`, its business has the next one after this many times as long."""
BATCH: Final = 20
BATCH_SECONDS: Final = 2.0
"""A batch that takes longer releases what it has not attempted, so that a process that is stopped ends in time."""
_RETRIED = (e.Unavailable, e.NotOwner, e.DeadlineExceeded, e.OutcomeUnknown, e.KeyInProgress)


class ImportReader:
    """Reads one calendar in each step. Any number of readers may run; one business occupies one of them at most."""

    def __init__(
        self,
        database: ModuleDatabase,
        port: SchedulingPort,
        client: OutboundClient,
        on_planned: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._port = port
        self._client = client
        self._on_planned = on_planned

    def step(self) -> bool:
        """Read a calendar of the business whose turn it is; return whether any was due."""
        with self._database.transaction() as connection:
            turn = take_turn(connection, "read")
            due = None if turn is None else queue.claim_import(connection, turn)
        if turn is None:
            return False
        began = time.monotonic()
        if due is not None:
            self._read(due)
        self._end(turn, time.monotonic() - began)
        return True

    def _end(self, turn: ImportTurn, seconds: float) -> None:
        rest = REST * seconds if seconds > SLOW_SECONDS else 0.0
        with self._database.transaction() as connection:
            end_turn(connection, turn, timedelta(seconds=rest))

    def _read(self, due: DueImport) -> None:
        """Read a calendar and record the outcome. No transaction is open during the request."""
        try:
            times = self._busy_times(due)
        except (AddressRefused, OutboundFailed, CalendarRejected) as error:
            self._fail(due, str(error))
        except e.SchedulingError as error:
            log.warning("import %s waits for scheduling: %s", due.import_id, error.message)
            with self._database.transaction() as connection:
                queue.defer(connection, due, timedelta(minutes=1))
        else:
            with self._database.transaction() as connection:
                queue.plan(connection, due, times, EVERY if due.content is None else FILE_EVERY)
            self._on_planned()

    def _busy_times(self, due: DueImport) -> list[Interval]:
        zone = self._zone(due)
        content = self._content(due)
        # An event that began earlier may still run; it must not be cut differently at each reading.
        start = datetime.now(UTC) - timedelta(days=1)
        found = read_busy_times(content, zone, start, start + HORIZON)
        now = datetime.now(UTC)
        return [(first, last) for first, last in found if last > now]

    def _zone(self, due: DueImport) -> str:
        context = CallContext(due.business_id, SYSTEM, Deadline.after(CALL_SECONDS), new_trace())
        for provider in self._port.list_providers(context, m.ListProviders()).providers:
            if provider.provider_id == due.provider_id:
                return provider.zone
        raise CalendarRejected(N_("The provider no longer exists."))

    def _content(self, due: DueImport) -> bytes:
        if due.url is None:
            return (due.content or "").encode()
        reply = self._client.get(due.url, seconds=FETCH_SECONDS, most_bytes=LARGEST)
        if reply.status != 200:
            raise OutboundFailed(N_("The host answered with status %(number)s.") % {"number": reply.status})
        return reply.body

    def _fail(self, due: DueImport, problem: str) -> None:
        delay = timedelta(seconds=backoff_delay(due.failures + 1, 300.0, 6 * 3600.0))
        log.warning("import %s failed: %s", due.import_id, problem)
        with self._database.transaction() as connection:
            queue.fail(connection, due, problem, delay)


class BlockWriter:
    """Blocks and releases recorded times in scheduling. Any number of writers may run."""

    def __init__(self, database: ModuleDatabase, port: SchedulingPort) -> None:
        self._database = database
        self._port = port

    def step(self) -> bool:
        """Make up to 20 changes for the business whose turn it is; return whether any was due."""
        with self._database.transaction() as connection:
            turn = take_turn(connection, "write")
            if turn is None:
                queue.delete_empty(connection)
                forget_turns(connection)
                return False
            due = queue.claim_times(connection, turn, BATCH)
        self._write_all(sorted(due, key=lambda each: each.imported_id))
        with self._database.transaction() as connection:
            end_turn(connection, turn)
        return True

    def _write_all(self, due: Sequence[DueTime]) -> None:
        until = time.monotonic() + BATCH_SECONDS
        for position, each in enumerate(due):
            late = time.monotonic() > until
            if late or not self._write(each):
                with self._database.transaction() as connection:
                    queue.release(connection, due[position:], timedelta(seconds=0 if late else 5))
                return

    def _write(self, due: DueTime) -> bool:
        """Make one change; return False if scheduling cannot do it now."""
        try:
            block_id = due.block_id or self._block(due)
            if due.state == "removing":
                self._remove(due, block_id)
        except _RETRIED as error:
            log.warning("blocked time %s waits (attempt %d): %s", due.imported_id, due.attempts, error.message)
            return False
        except e.SchedulingError as error:
            with self._database.transaction() as connection:
                queue.reject(connection, due, error.message)
            return True
        with self._database.transaction() as connection:
            if due.state == "removing":
                queue.forget(connection, due)
            else:
                queue.mark_added(connection, due.imported_id, block_id)
        return True

    def _block(self, due: DueTime) -> UUID:
        """Block the time; repeated with the same key, it returns the same block."""
        wanted = m.BlockTime(start=due.starts_at, end=due.ends_at, provider_id=due.provider_id, reason=due.name)
        return self._port.block_time(_context(due, "add"), wanted).block_id

    def _remove(self, due: DueTime, block_id: UUID) -> None:
        with suppress(e.BlockNotFound):  # Staff have removed it.
            self._port.remove_block(_context(due, "remove"), m.RemoveBlock(block_id=block_id))


def _context(due: DueTime, what: str) -> CallContext:
    key = f"calendar-{what}-{due.imported_id}"
    return CallContext(due.business_id, SYSTEM, Deadline.after(CALL_SECONDS), new_trace(), key)
