"""The sources of a snapshot, each read in a thread of its own."""

import http.client
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Final, Literal, NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from contracts.scheduling.values import DatabaseName
from deploy.console.config import ConsoleConfig
from deploy.console.event_state import EventReader
from deploy.console.polling import Snapshot, Source
from deploy.control_plane import control_plane, scheduling_databases
from monolith.cutover.databases import Connection, SchedulingDatabase, SchedulingDatabases
from monolith.cutover.inventory import StoredLease, read_leases
from monolith.cutover.preflight import MAX_LAG_BYTES
from monolith.cutover.replication.observer import DirectionObservation, ReplicationObserver
from monolith.cutover.service import ControlPlane
from monolith.cutover.service.observation import ExtractionState, observe
from monolith.cutover.service.standing import Standing, standing_of

EXTRACTION: Final = "extraction"
LEASES: Final[Mapping[DatabaseName, str]] = {"monolith": "leases monolith", "scheduling": "leases scheduling"}
FURTHER_LEASES: Final = "leases of further databases"
REPLICATION: Final = "replication"
EVENTS: Final = "events"
PROCESSES: Final[Mapping[str, str]] = {"monolith": "process monolith", "scheduling": "process scheduling"}
PROBE_SECONDS = 5.0
"""Between two probes. Each runs every readiness check of the process, beside the requests of its users, whose 99th
percentile would show more frequent ones."""
_PROBE_TIMEOUT = 3.0


class ProcessState(NamedTuple):
    """A web process, by its readiness. `milliseconds` is how long the probe took."""

    state: Literal["ready", "not ready"]
    milliseconds: float


def sources(config: ConsoleConfig) -> list[Source]:
    """Return all sources. They connect when they are first read."""
    return [
        Source(EXTRACTION, ExtractionReader().read, is_announced=True),
        *(Source(name, LeaseReader(database).read, is_announced=True) for database, name in LEASES.items()),
        Source(FURTHER_LEASES, FurtherLeases().read, is_announced=True),
        Source(REPLICATION, _replication_reader(), seconds=2.0, idle_seconds=15.0),
        Source(EVENTS, EventReader(config).read, seconds=2.0),
        Source(PROCESSES["monolith"], lambda: probe(config.monolith_url), PROBE_SECONDS),
        Source(PROCESSES["scheduling"], lambda: probe(config.service_url), PROBE_SECONDS),
    ]


def standings(snapshot: Snapshot) -> list[Standing]:
    """Return the standing of each business, sorted by slug; empty before the first reading."""
    state: ExtractionState | None = snapshot.reading(EXTRACTION).value
    if state is None:
        return []
    leases: dict[DatabaseName, Mapping[UUID, StoredLease] | None] = {}
    for database, name in LEASES.items():
        reading = snapshot.reading(name)
        leases[database] = None if reading.problem else reading.value
    leases |= snapshot.reading(FURTHER_LEASES).value or {}
    return [standing_of(each, leases, state.now) for each in state.businesses]


class ExtractionReader:
    """Reads the control plane's records with connections that stay open until one fails. Not thread-safe."""

    def __init__(self) -> None:
        self._open: ExitStack | None = None
        self._plane: ControlPlane | None = None

    def read(self) -> ExtractionState:
        try:
            if self._open is None or self._plane is None:
                self._open = ExitStack()
                self._plane = self._open.enter_context(control_plane())
            return observe(self._plane)
        except BaseException:
            opened, self._open, self._plane = self._open, None, None
            if opened is not None:
                opened.close()
            raise


class LeaseReader:
    """Reads the leases of one database over a connection that stays open. Not thread-safe."""

    def __init__(self, name: DatabaseName) -> None:
        self._name = name
        self._open: Connection | None = None

    def read(self) -> dict[UUID, StoredLease]:
        if self._open is None or self._open.closed or self._open.broken:
            database: SchedulingDatabase = scheduling_databases().at(self._name)
            self._open = database.connect(statement_seconds=3.0)
        return read_leases(self._open)


class FurtherLeases:
    """Reads the leases of registered databases over connections that stay open. Not thread-safe."""

    def __init__(self) -> None:
        self._readers: dict[DatabaseName, LeaseReader] = {}
        self._databases: SchedulingDatabases | None = None

    def read(self) -> dict[DatabaseName, Mapping[UUID, StoredLease] | None]:
        """Return the leases by database; None for one that cannot be read."""
        self._databases = self._databases or scheduling_databases()
        names = [name for name in self._databases.names if name not in LEASES]
        return {name: self._read(name) for name in names}

    def _read(self, name: DatabaseName) -> Mapping[UUID, StoredLease] | None:
        try:
            return self._readers.setdefault(name, LeaseReader(name)).read()
        except psycopg.Error:
            return None


def probe(url: str) -> ProcessState:
    """Ask a web process whether it is ready. Raises OSError when it does not answer."""
    at, began = urlsplit(url), time.perf_counter()
    kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
    connection = kind(at.netloc, timeout=_PROBE_TIMEOUT)
    try:
        connection.request("GET", f"{at.path}/readyz")
        is_ready = connection.getresponse().status == http.HTTPStatus.OK
    finally:
        connection.close()
    return ProcessState("ready" if is_ready else "not ready", (time.perf_counter() - began) * 1000)


def _replication_reader() -> Callable[[], tuple[DirectionObservation, ...]]:
    opened: list[ReplicationObserver] = []

    def read() -> tuple[DirectionObservation, ...]:
        if not opened:
            opened.append(ReplicationObserver(scheduling_databases(), max_lag_bytes=MAX_LAG_BYTES))
        return opened[0].read()

    return read
