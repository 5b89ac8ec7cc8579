"""Searches answered by a streaming replica of the database: a remedy to measure before extracting a service."""

import logging
import time
from collections.abc import Callable
from typing import Final

from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import SchedulingError, Unavailable
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from monolith.modules.scheduling.searches import SEARCHES

LONGEST_LAG_SECONDS: Final = 2.0
"""A replica that is further behind is not asked."""
CHECK_SECONDS: Final = 1.0
"""How often the replica's lag is read."""
RETRY_SECONDS: Final = 5.0
"""How long a replica that failed is not asked."""

_log = logging.getLogger(__name__)


class SearchReplica(SchedulingPort):
    """A port whose searches are up to `LONGEST_LAG_SECONDS` old. Thread-safe.

    The primary decides every booking, so booking a slot that has been taken fails as usual. A search goes to the
    primary if the replica lags, fails, or refuses it, since its catalog may be older. `read_lag` returns how many
    seconds the replica is behind, and raises SchedulingError if it cannot tell.
    """

    def __init__(self, primary: SchedulingPort, replica: SchedulingPort, read_lag: Callable[[], float]) -> None:
        self._primary = primary
        self._replica = replica
        self._read_lag = read_lag
        self._next_check = 0.0
        self._is_current = False

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        if operation.name in SEARCHES and self._may_ask():
            try:
                return self._replica.call(operation, ctx, request)
            except Unavailable as error:
                self._stop_asking(error)
            except SchedulingError:
                # The primary repeats the refusal, or knows better.
                pass
        return self._primary.call(operation, ctx, request)

    def _may_ask(self) -> bool:
        if time.monotonic() >= self._next_check:
            # Other threads go by the last result meanwhile.
            self._next_check = time.monotonic() + CHECK_SECONDS
            try:
                self._is_current = self._read_lag() <= LONGEST_LAG_SECONDS
            except SchedulingError as error:
                self._stop_asking(error)
        return self._is_current

    def _stop_asking(self, error: SchedulingError) -> None:
        if self._is_current:
            _log.warning("the search replica is not asked for %.0f s: %s", RETRY_SECONDS, error)
        self._is_current = False
        self._next_check = time.monotonic() + RETRY_SECONDS
