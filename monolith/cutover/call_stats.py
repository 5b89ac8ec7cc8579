"""Counts calls for businesses that are guarded after a move, so that they can go back when they are served badly."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import func, literal, select
from sqlalchemy.dialects.postgresql import insert as upsert

from contracts.chassis.background_thread import BackgroundThread
from contracts.chassis.loops import Loop, Worker
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import DeadlineExceeded, OutcomeUnknown, SchedulingError, Unavailable
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import OneCallPort
from monolith.cutover.store.tables import guard, guarded_calls
from monolith.shared.database import CommitUnknown, Database, DatabaseUnavailable
from monolith.shared.flags.change_listener import ChangeNotice

FLUSH_SECONDS: Final = 1.0
_CLOSING_SECONDS: Final = 3.0
_FAILURES = (Unavailable, DeadlineExceeded, OutcomeUnknown)


class _Guarded(NamedTuple):
    guard_id: UUID
    slow_seconds: float


class _Counted(NamedTuple):
    calls: int = 0
    failed: int = 0
    slow: int = 0

    def plus(self, failed: bool, slow: bool) -> "_Counted":
        return _Counted(self.calls + 1, self.failed + failed, self.slow + slow)


class CallStats:
    """Costs a business that is not guarded one look into a dictionary.

    Counts are written down every second, into the second of the database's clock; those that cannot be are dropped,
    for without that database nothing could be moved either. Its thread starts with the first call that is counted.
    """

    def __init__(self, database: Database, *, flush_seconds: float = FLUSH_SECONDS) -> None:
        self._database = database
        self._guarded: Mapping[UUID, _Guarded] = {}
        self._lock = threading.Lock()
        self._counts: dict[UUID, _Counted] = {}
        worker = Worker([Loop("guarded calls", self._flush, flush_seconds)], closing=[self._flush])
        self._thread = BackgroundThread("guarded calls", worker, closing_seconds=_CLOSING_SECONDS)

    def refresh(self, notice: ChangeNotice | None = None) -> None:
        """What the watch calls about a change: of one guard, or of anything."""
        if notice is None or notice.table == "guard":
            self._guarded = self._read()

    def around(self, port: OneCallPort) -> OneCallPort:
        """The same port; calls for guarded businesses are counted."""
        return _Counting(port, self)

    def guarded(self, business_id: UUID) -> _Guarded | None:
        return self._guarded.get(business_id)

    def count(self, guarded: _Guarded, seconds: float, *, failed: bool) -> None:
        with self._lock:
            before = self._counts.get(guarded.guard_id, _Counted())
            self._counts[guarded.guard_id] = before.plus(failed, seconds > guarded.slow_seconds)
        with suppress(RuntimeError):
            # The system gives no more threads: no reason to fail whoever is served.
            self._thread.start()

    def close(self) -> None:
        """Write down what was counted. Runs by itself when the process ends."""
        self._thread.close()

    def _read(self) -> dict[UUID, _Guarded]:
        current = select(guard.c.business_id, guard.c.guard_id, guard.c.p95_ms).where(guard.c.ended_at.is_(None))
        with self._database.transaction() as connection:
            rows = connection.execute(current).all()
        return {business_id: _Guarded(guard_id, p95_ms / 1000) for business_id, guard_id, p95_ms in rows}

    def _flush(self) -> None:
        with self._lock:
            taken, self._counts = self._counts, {}
        try:
            # In an order that is the same everywhere, so that processes do not block each other.
            for guard_id in sorted(taken):
                self._add(guard_id, taken[guard_id])
        except (DatabaseUnavailable, CommitUnknown):
            return

    def _add(self, guard_id: UUID, counted: _Counted) -> None:
        second = func.date_trunc("second", func.clock_timestamp())
        # Nothing for a guard that has ended meanwhile.
        current = select(guard.c.guard_id, second, *(literal(number) for number in counted)).where(
            guard.c.guard_id == guard_id, guard.c.ended_at.is_(None)
        )
        adding = upsert(guarded_calls).from_select([column.name for column in guarded_calls.c], current)
        sums = {name: guarded_calls.c[name] + adding.excluded[name] for name in _Counted._fields}
        statement = adding.on_conflict_do_update(index_elements=[*guarded_calls.primary_key.columns], set_=sums)
        with self._database.transaction() as connection:
            connection.execute(statement)


class _Counting(OneCallPort):
    def __init__(self, port: OneCallPort, calls: CallStats) -> None:
        self._port = port
        self._calls = calls

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        guarded = self._calls.guarded(ctx.business_id)
        if guarded is None:
            return self._port.call(operation, ctx, request)
        began, failed = time.perf_counter(), True
        try:
            reply = self._port.call(operation, ctx, request)
            failed = False
            return reply
        except SchedulingError as error:
            failed = isinstance(error, _FAILURES)
            raise
        finally:
            self._calls.count(guarded, time.perf_counter() - began, failed=failed)
