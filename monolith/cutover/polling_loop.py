"""What a resident process does again and again, patient with databases that are away."""

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
    """Of one thread. `who` is named in the log."""

    def __init__(self, who: str, controller: Controller) -> None:
        self._who = who
        self._controller = controller
        self._backoff = Backoff(first=0.1, longest=1.0)

    def run_once(self, find: Callable[[Connection], Iterable[T]], do: Callable[[T], bool]) -> int:
        """Do it to each that is found; of how many it was true. Never raises for a database that is away: then nothing
        is done for a while."""
        if self._backoff.paused():
            return 0
        done = 0
        try:
            for each in find(self._controller.platform):
                done += do(each)
            self._backoff.succeeded(lambda: log.info("the %s works again", self._who))
        except psycopg.Error as error:
            self._controller.close()
            self._backoff.failed()
            if self._backoff.should_log():
                log.warning("the %s waits: %s", self._who, " ".join(str(error).split()) or type(error).__name__)
        return done
