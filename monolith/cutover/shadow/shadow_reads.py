"""The threads that repeat reads in the other database, and the port that offers them reads."""

import logging
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from queue import Empty, Full, Queue
from typing import Final
from uuid import UUID

from contracts.chassis.background_thread import BackgroundThread
from contracts.chassis.loops import Loop, Worker
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from monolith.cutover.shadow.comparison import ComparisonResult, PendingRecheck, ReadComparer
from monolith.cutover.shadow.counts import ComparisonCounts, CountsBuffer, CountsKey
from monolith.cutover.shadow.shadow_read import ShadowRead, ShadowReply, error_reply
from monolith.cutover.store.shadow_results import ShadowResultStore
from monolith.shared.database import CommitUnknown, DatabaseUnavailable
from monolith.shared.telemetry.metrics import Metrics

THREADS: Final = 2
MAX_QUEUED: Final = 100
FLUSH_SECONDS: Final = 3.0
_QUEUE_POLL_SECONDS: Final = 0.5
_RECHECK_POLL_SECONDS: Final = 0.05
_CLOSING_SECONDS: Final = 7.0
_log = logging.getLogger(__name__)


class ShadowReads:
    """Compare offered reads in background threads.

    The threads start with the first read: the object may be created before a fork, and no thread runs while nothing is
    shadowed.
    """

    def __init__(
        self,
        selects: Callable[[UUID], bool],
        comparer: ReadComparer,
        store: ShadowResultStore,
        metrics: Metrics,
        *,
        threads: int = THREADS,
        longest_queue: int = MAX_QUEUED,
        flush_seconds: float = FLUSH_SECONDS,
    ) -> None:
        self._selects = selects
        self._comparer = comparer
        self._store = store
        self._metrics = metrics
        self._queue: Queue[ShadowRead] = Queue(longest_queue)
        self._rechecks: deque[PendingRecheck] = deque()
        self._counts = CountsBuffer()
        loops = [Loop(f"shadow reads {number}", self._compare_one, 0.0) for number in range(1, threads + 1)]
        worker = Worker([*loops, Loop("shadow counts", self._flush, flush_seconds)], closing=[self._end])
        self._thread = BackgroundThread("shadow", worker, closing_seconds=_CLOSING_SECONDS)

    @property
    def idle(self) -> bool:
        """Whether every offered read has been compared or dropped."""
        return self._queue.unfinished_tasks == 0

    def around(self, name: DatabaseName, port: SchedulingPort) -> SchedulingPort:
        """Return the port with shadowing of its reads."""
        return _ShadowedPort(name, port, self)

    def selects(self, business_id: UUID) -> bool:
        """Return whether to offer the next read of the business."""
        return self._selects(business_id)

    def offer(self, read: ShadowRead) -> None:
        """Queue the read without blocking. Never raises: a read that finds the queue full is dropped and counted."""
        try:
            self._thread.start()
            self._queue.put_nowait(read)
        except (Full, RuntimeError):
            # RuntimeError: the system is out of threads.
            self._count(read, ComparisonResult("dropped"))

    def close(self) -> None:
        """Store the remaining results. Runs automatically when the process ends."""
        self._thread.close()

    def _compare_one(self) -> None:
        recheck = self._due()
        if recheck is not None:
            self._finish(recheck.read, lambda: self._comparer.recheck(recheck))
            return
        with suppress(Empty):
            read = self._queue.get(timeout=_RECHECK_POLL_SECONDS if self._rechecks else _QUEUE_POLL_SECONDS)
            self._finish(read, lambda: self._comparer.compare(read))

    def _due(self) -> PendingRecheck | None:
        """Return a recheck that is due. No thread sleeps until then, so differences do not delay other reads."""
        with suppress(IndexError):
            oldest = self._rechecks.popleft()
            if oldest.due <= time.monotonic():
                return oldest
            self._rechecks.appendleft(oldest)
        return None

    def _finish(self, read: ShadowRead, look: Callable[[], ComparisonResult | PendingRecheck]) -> None:
        found: ComparisonResult | PendingRecheck = ComparisonResult("failed", problem="a bug in the comparison")
        try:
            found = look()
        finally:
            if isinstance(found, PendingRecheck) and len(self._rechecks) < self._queue.maxsize:
                self._rechecks.append(found)
            else:
                self._count(read, ComparisonResult("dropped") if isinstance(found, PendingRecheck) else found)
                self._queue.task_done()

    def _count(self, read: ShadowRead, finding: ComparisonResult) -> None:
        self._counts.add(read.operation.name, read.seconds, finding)
        self._metrics.shadow_read(read.operation.name, finding.outcome, read.seconds, finding.seconds)

    def _flush(self) -> None:
        """Store the counts. Counts that were not stored are kept; after an unknown outcome they are dropped."""
        taken = self._counts.drain()
        try:
            self._store.add(taken)
        except DatabaseUnavailable:
            self._counts.restore(taken)
            raise
        _log_failures(taken)

    def _end(self) -> None:
        left = [recheck.read for recheck in self._rechecks]
        with suppress(Empty):
            while True:
                left.append(self._queue.get_nowait())
        for read in left:
            self._count(read, ComparisonResult("dropped"))
        try:
            self._flush()
        except (DatabaseUnavailable, CommitUnknown) as error:
            _log.warning("the last results of shadow reads are lost: %s", error)


def _log_failures(taken: Mapping[CountsKey, ComparisonCounts]) -> None:
    """Log one line for all failures: an unreachable candidate fails every time."""
    failed = [(operation, counts) for (operation, _), counts in taken.items() if counts.failed]
    if failed:
        operation, last = failed[-1]
        number = sum(counts.failed for _, counts in failed)
        _log.warning("%d shadow reads failed, the last one of %s: %s", number, operation, last.problem)


class _ShadowedPort(SchedulingPort):
    """The port of one database. Its replies and their timing are the same as without shadow reads."""

    def __init__(self, name: DatabaseName, port: SchedulingPort, reads: ShadowReads) -> None:
        self._owner = name
        self._port = port
        self._reads = reads

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        if operation.writes or not self._reads.selects(ctx.business_id):
            return self._port.call(operation, ctx, request)
        answer: ShadowReply | None = None
        began = time.perf_counter()
        try:
            reply = answer = self._port.call(operation, ctx, request)
            return reply
        except SchedulingError as error:
            answer = error_reply(error)
            raise
        finally:
            if answer is not None:
                took = time.perf_counter() - began
                self._reads.offer(ShadowRead(operation, ctx, request, self._owner, answer, took))
