"""The state of replication over time, for a process that looks at it continuously."""

import time
from collections import deque
from datetime import UTC, datetime

import psycopg
from msgspec import Struct

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import REPLICATOR, Connection, SchedulingDatabases
from monolith.cutover.replication.direction import ReplicationDirection, directions
from monolith.cutover.replication.lag_clock import LagClock
from monolith.cutover.replication.state import CopyProgress, read_direction, read_progress
from monolith.cutover.replication.status import DirectionStatus

HISTORY_SECONDS = 900.0
SAMPLE_SECONDS = 5.0


class LagSample(Struct, frozen=True):
    at: datetime
    bytes: int
    seconds: float


class DirectionObservation(Struct, frozen=True):
    """The state of one direction, and its lag in the last 15 minutes, sampled every five seconds.

    `lag_seconds` is the age of the oldest change that the subscriber has not confirmed, to the second. A subscriber
    without changes confirms only every ten seconds. `copying` is None once every table is copied.
    """

    status: DirectionStatus
    lag_seconds: float
    copying: CopyProgress | None
    history: tuple[LagSample, ...]


class ReplicationObserver:
    """Reads both directions of each pair over connections that stay open. Use it from one thread.

    A direction that is further behind than `max_lag_bytes` has a problem.
    """

    def __init__(self, databases: SchedulingDatabases, *, max_lag_bytes: int) -> None:
        self._databases = databases
        self._max_lag_bytes = max_lag_bytes
        self._open: dict[DatabaseName, Connection] = {}
        self._clocks: dict[str, LagClock] = {}
        self._history: dict[str, deque[LagSample]] = {}
        self._copying_since: dict[str, float] = {}

    def read(self) -> tuple[DirectionObservation, ...]:
        """Return both directions of each pair. An unreachable database is a problem in the status, not an error."""
        return tuple(self._read(each) for pair in self._databases.known_pairs for each in directions(pair))

    def close(self) -> None:
        for connection in self._open.values():
            connection.close()
        self._open = {}

    def _read(self, direction: ReplicationDirection) -> DirectionObservation:
        try:
            publisher, subscriber = self._at(direction.publisher.name), self._at(direction.subscriber.name)
            status = read_direction(direction, publisher, subscriber, self._max_lag_bytes)
            copying = self._copying(publisher, subscriber, direction) if status.subscribed else None
        except psycopg.Error as error:
            self.close()
            problem = f"{direction}: a database is unreachable ({' '.join(str(error).split())})"
            status = DirectionStatus(str(direction), subscribed=False, reachable=False, problems=(problem,))
            copying = None
        seconds = self._lag_seconds(status)
        return DirectionObservation(status, seconds, copying, self._sampled(status, seconds))

    def _copying(
        self, publisher: Connection, subscriber: Connection, direction: ReplicationDirection
    ) -> CopyProgress | None:
        """Return the progress of the first copy, with its duration since it was first seen; None when it is over."""
        since = self._copying_since.setdefault(str(direction), time.monotonic())
        progress = read_progress(publisher, subscriber, direction, time.monotonic() - since)
        if progress.ready:
            del self._copying_since[str(direction)]
            return None
        return progress

    def _at(self, name: DatabaseName) -> Connection:
        found = self._open.get(name)
        if found is None or found.closed or found.broken:
            found = self._open[name] = self._databases.at(name).connect(REPLICATOR, statement_seconds=5.0)
        return found

    def _lag_seconds(self, status: DirectionStatus) -> float:
        if not status.subscribed:
            self._clocks.pop(status.direction, None)
            return 0.0
        clock = self._clocks.setdefault(status.direction, LagClock())
        return round(clock.lag(status.wal_end, status.wal_end - status.lag), 1)

    def _sampled(self, status: DirectionStatus, seconds: float) -> tuple[LagSample, ...]:
        now, found = datetime.now(UTC), self._history.setdefault(status.direction, deque())
        if status.subscribed and (not found or (now - found[-1].at).total_seconds() >= SAMPLE_SECONDS):
            found.append(LagSample(now, status.lag, seconds))
        while found and (now - found[0].at).total_seconds() > HISTORY_SECONDS:
            found.popleft()
        return tuple(found)
