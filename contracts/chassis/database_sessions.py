"""How many statements of each module are under way in the database at this moment, and how many wait for a lock.

A metrics page shows it as `<application>_database_sessions{module, state}`, the monolith's as well as the service's.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import wait
from typing import Any, Final, Literal

import psycopg
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from contracts.chassis.single_flight import Question

State = Literal["running", "lock"]

PATIENCE: Final = 1.0

# Those who look are told by their name, and are no work of the module's.
_CONNECTION: Final[dict[str, Any]] = {
    "application_name": "database_sessions",
    "connect_timeout": 2,
    "tcp_user_timeout": 2_000,
    "options": "-c statement_timeout=2000",
}
_OWN: Final = """
    SELECT count(*) FILTER (WHERE wait_event_type IS DISTINCT FROM 'Lock'),
           count(*) FILTER (WHERE wait_event_type = 'Lock')
      FROM pg_stat_activity
     WHERE usename = current_user AND datname = current_database() AND state = 'active'
       AND application_name <> current_setting('application_name')
    """


class Sessions(Collector):
    """`urls` are of the modules' databases, each under the module's own role, for nobody else sees what it does.

    Connects when somebody looks: one connection for each module, since whoever looks must not wait for the pool that
    is short. Register it with the registry of a metrics page.
    """

    def __init__(self, application: str, urls: Mapping[str, str], patience: float = PATIENCE) -> None:
        self._application = application
        self._patience = patience
        self._modules = {
            module: Question(_Looking(url).under_way, f"database sessions of {module}") for module, url in urls.items()
        }

    def counts(self) -> dict[tuple[str, State], int]:
        """Of all processes of the application. Answers within `patience` seconds; a module whose database has not
        answered by then is left out."""
        asked = {module: question.ask() for module, question in self._modules.items()}
        answered, _ = wait(asked.values(), self._patience)
        found: dict[tuple[str, State], int] = {}
        for module, answer in asked.items():
            counted = answer.result() if answer in answered else None
            if counted is not None:
                found[module, "running"], found[module, "lock"] = counted
        return found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        name, words = f"{self._application}_database_sessions", "Statements under way: running, or waiting for a lock."
        family = GaugeMetricFamily(name, words, labels=["module", "state"])
        for labels, count in self.counts().items():
            family.add_metric(labels, count)
        yield family


class _Looking:
    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.Connection[tuple[int, int]] | None = None

    def under_way(self) -> tuple[int, int] | None:
        """What runs and what waits; None when the database does not answer. One thread at a time may ask."""
        try:
            return self._connected().execute(_OWN).fetchone()
        except psycopg.Error:
            self._forget()
            return None

    def _connected(self) -> psycopg.Connection[tuple[int, int]]:
        if self._connection is None:
            self._connection = psycopg.connect(self._url, autocommit=True, **_CONNECTION)
        return self._connection

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
