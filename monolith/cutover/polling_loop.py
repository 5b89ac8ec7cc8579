"""The polling loop of a background worker, tolerant of unreachable databases."""

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

import psycopg

from contracts.chassis.backoff import Backoff
from monolith.cutover.controller import Controller
from monolith.cutover.databases import Connection

T = TypeVar("T")
log = logging.getLogger(__name__)


class PollingLoop:
    """Polls from one thread. `worker` is the name in log messages."""

    def __init__(self, worker: str, controller: Controller) -> None:
        self._worker = worker
        self._controller = controller
        self._backoff = Backoff(first=0.1, longest=1.0)

    def run_once(self, find: Callable[[Connection], Iterable[T]], handle: Callable[[T], bool]) -> int:
        """Handle each item that `find` returns, and return how many times `handle` returned True.

        Never raises for an unreachable database: closes its connections and backs off.
        """
        if self._backoff.paused():
            return 0
        handled = 0
        try:
            for item in find(self._controller.control_db):
                handled += handle(item)
            self._backoff.succeeded(lambda: log.info("the %s has recovered", self._worker))
        except psycopg.Error as error:
            self._controller.close()
            self._backoff.failed()
            if self._backoff.should_log():
                reason = " ".join(str(error).split()) or type(error).__name__
                log.warning("the %s waits for a database: %s", self._worker, reason)
        return handled
