"""Gauges of each module's active database sessions: running, or waiting for a lock.

A metrics page shows them as `<application>_database_sessions{module, state}`.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import wait
from typing import Any, Final, Literal

import psycopg
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from contracts.chassis.logins import log_in
from contracts.chassis.single_flight import SingleFlight

State = Literal["running", "lock"]

TIMEOUT_SECONDS: Final = 1.0

# The query excludes the sessions that have this application name: the scrape's own.
_CONNECTION: Final[dict[str, Any]] = {
    "application_name": "database_sessions",
    "connect_timeout": 2,
    "tcp_user_timeout": 2_000,
    "options": "-c statement_timeout=2000",
}
_ACTIVE_SESSIONS: Final = """
    SELECT count(*) FILTER (WHERE wait_event_type IS DISTINCT FROM 'Lock'),
           count(*) FILTER (WHERE wait_event_type = 'Lock')
      FROM pg_stat_activity
     WHERE usename = current_user AND datname = current_database() AND state = 'active'
       AND application_name <> current_setting('application_name')
    """


class DatabaseSessions(Collector):
    """Counts the active sessions of each module's role. Register it with the registry of a metrics page.

    `urls` maps modules to their databases, each with the module's own role: a role sees its own sessions only. Each
    scrape uses a connection of its own per module, so that metrics never wait for an exhausted pool.
    """

    def __init__(self, application: str, urls: Mapping[str, str], timeout: float = TIMEOUT_SECONDS) -> None:
        self._application = application
        self._timeout = timeout
        self._modules = {
            module: SingleFlight(_SessionCount(url).read, f"database sessions of {module}")
            for module, url in urls.items()
        }

    def counts(self) -> dict[tuple[str, State], int]:
        """Return the sessions of all processes, within `timeout` seconds.

        A module whose database has not answered by then is left out.
        """
        queries = {module: query.submit() for module, query in self._modules.items()}
        finished, _ = wait(queries.values(), self._timeout)
        counts: dict[tuple[str, State], int] = {}
        for module, query in queries.items():
            row = query.result() if query in finished else None
            if row is not None:
                counts[module, "running"], counts[module, "lock"] = row
        return counts

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauge, for Prometheus."""
        name, help_text = f"{self._application}_database_sessions", "Active sessions: running, or waiting for a lock."
        family = GaugeMetricFamily(name, help_text, labels=["module", "state"])
        for labels, count in self.counts().items():
            family.add_metric(labels, count)
        yield family


class _SessionCount:
    """One module's query, on a connection that is opened when it is first needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[tuple[int, int]] | None = None

    def read(self) -> tuple[int, int] | None:
        """Return the running and the waiting sessions; None if the database is unreachable. Not thread-safe."""
        try:
            return self._connected().execute(_ACTIVE_SESSIONS).fetchone()
        except psycopg.Error:
            self._disconnect()
            return None

    def _connected(self) -> psycopg.Connection[tuple[int, int]]:
        if self._connection is None:
            self._connection = log_in(self._url, lambda url: psycopg.connect(url, autocommit=True, **_CONNECTION))
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
