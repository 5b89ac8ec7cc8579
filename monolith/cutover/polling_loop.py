"""The polling loop of a background worker, tolerant of unreachable databases."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import psycopg
from prometheus_client import CollectorRegistry

from contracts.chassis.backoff import Backoff, Every
from monolith.cutover.controller import Controller
from monolith.cutover.databases import Connection
from monolith.cutover.metrics.daemon_metrics import DaemonMetrics
from monolith.shared.flags.change_listener import ChangeListener, ChangeNotice

T = TypeVar("T")
log = logging.getLogger(__name__)

LONGEST_QUIET_SECONDS = 5.0
"""How long a poll is skipped at most, in case a notice was lost with its connection."""


class TableChanges:
    """Whether a table may have changed, by the notices of a listener that is started later."""

    def __init__(self, listener: ChangeListener, table: str) -> None:
        self._listener = listener
        self._table = table
        self._changed = threading.Event()
        self._changed.set()
        listener.subscribe(self._notice)

    def take(self) -> bool:
        """Return whether the table may have changed since the last call."""
        if self._changed.is_set():
            self._changed.clear()
            return True
        return self._listener.stale

    def _notice(self, notice: ChangeNotice | None) -> None:
        if notice is None or notice.table == self._table:
            self._changed.set()


class PollingLoop:
    """Polls from one thread. `worker` is the name in log messages.

    With `changes`, it polls only while the last poll found items, and after a change; without, always.
    """

    def __init__(
        self,
        worker: str,
        controller: Controller,
        changes: TableChanges | None = None,
        metrics: DaemonMetrics | None = None,
    ) -> None:
        self._worker = worker
        self._metrics = metrics or DaemonMetrics(CollectorRegistry())
        self._metrics.add_worker(worker)
        self._controller = controller
        self._changes = changes
        self._found_items = True
        self._quiet_poll = Every(LONGEST_QUIET_SECONDS)
        self._backoff = Backoff(first=0.1, longest=1.0)

    def run_once(self, find: Callable[[Connection], Sequence[T]], handle: Callable[[T], bool]) -> int:
        """Handle each item that `find` returns, and return how many times `handle` returned True.

        Never raises for an unreachable database: closes its connections and backs off.
        """
        if self._backoff.paused() or not self._may_find_items():
            return 0
        handled = 0
        self._found_items = True  # Unless the poll succeeds.
        try:
            items = find(self._controller.control_db)
            for item in items:
                handled += handle(item)
            self._found_items = bool(items)
            self._backoff.succeeded(lambda: log.info("the %s has recovered", self._worker))
        except psycopg.Error as error:
            self._controller.close()
            self._metrics.poll_failed(self._worker)
            self._backoff.failed()
            if self._backoff.should_log():
                reason = " ".join(str(error).split()) or type(error).__name__
                log.warning("the %s waits for a database: %s", self._worker, reason)
        return handled

    def _may_find_items(self) -> bool:
        if self._changes is None:
            return True
        changed, overdue = self._changes.take(), self._quiet_poll.due()
        return changed or overdue or self._found_items
