"""Count the calls of businesses with a rollback policy, for the rollback worker."""

import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final
from uuid import UUID

from contracts.chassis.background_thread import BackgroundThread
from contracts.chassis.loops import Loop, Worker
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import DeadlineExceeded, OutcomeUnknown, SchedulingError, Unavailable
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from monolith.cutover.rollback.thresholds import CallCounts
from monolith.cutover.store.call_counts import CountedPolicy, add_counts, read_counted_policies
from monolith.shared.database import CommitUnknown, DatabaseUnavailable, ModuleDatabase
from monolith.shared.flags.change_listener import ChangeNotice

FLUSH_SECONDS: Final = 1.0
_CLOSING_SECONDS: Final = 3.0
_FAILURES = (Unavailable, DeadlineExceeded, OutcomeUnknown)


class CallStats:
    """Counts the calls of businesses with a rollback policy. Thread-safe.

    For a business without a policy a call costs one dictionary lookup. The counts are stored every second, under the
    second of the database's clock. Counts that cannot be stored are dropped: without that database no business could be
    rolled back either. The thread starts with the first counted call.
    """

    def __init__(self, database: ModuleDatabase, *, flush_seconds: float = FLUSH_SECONDS) -> None:
        self._database = database
        self._policies: Mapping[UUID, CountedPolicy] = {}
        self._lock = threading.Lock()
        self._counts: dict[UUID, CallCounts] = {}
        worker = Worker([Loop("call stats", self._flush, flush_seconds)], closing=[self._flush])
        self._thread = BackgroundThread("call stats", worker, closing_seconds=_CLOSING_SECONDS)

    def refresh(self, notice: ChangeNotice | None = None) -> None:
        """Read the policies again after a change notice: of a policy, or (None) of anything."""
        if notice is None or notice.table == "rollback_policy":
            self._policies = read_counted_policies(self._database)

    def around(self, port: SchedulingPort) -> SchedulingPort:
        """Return the port with counting."""
        return _CountingPort(port, self)

    def policy_of(self, business_id: UUID) -> CountedPolicy | None:
        return self._policies.get(business_id)

    def count(self, policy: CountedPolicy, seconds: float, *, failed: bool) -> None:
        with self._lock:
            before = self._counts.get(policy.policy_id, CallCounts())
            self._counts[policy.policy_id] = before.plus(failed=failed, slow=seconds > policy.slow_seconds)
        with suppress(RuntimeError):
            # The system is out of threads: do not fail the caller for that.
            self._thread.start()

    def close(self) -> None:
        """Store the remaining counts. Runs automatically when the process ends."""
        self._thread.close()

    def _flush(self) -> None:
        with self._lock:
            drained, self._counts = self._counts, {}
        with suppress(DatabaseUnavailable, CommitUnknown):
            add_counts(self._database, drained)


class _CountingPort(SchedulingPort):
    def __init__(self, port: SchedulingPort, stats: CallStats) -> None:
        self._port = port
        self._stats = stats

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        policy = self._stats.policy_of(ctx.business_id)
        if policy is None:
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
            self._stats.count(policy, time.perf_counter() - began, failed=failed)
