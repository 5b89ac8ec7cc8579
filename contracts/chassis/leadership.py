"""One active process per database for one task: a connection that holds the task's advisory lock while it lives."""

from typing import Any

import psycopg

# A connection that dies without a word is noticed within seconds, by the server too, which then frees the lock.
_CONNECTION: dict[str, Any] = {
    "connect_timeout": 2,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
}
_OPTIONS = (
    "-c timezone=UTC -c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1 -c tcp_keepalives_count=3"
    " -c tcp_user_timeout=5000"
)


class Leadership:
    """`lock` is the task's; advisory locks belong to one database. `options` are settings of the session, besides those
    that notice a dead peer. Connects later. Raises psycopg.Error."""

    def __init__(self, url: str, lock: int, name: str, options: str) -> None:
        self._url = url
        self._lock = lock
        self._name = name
        self._settings = {**_CONNECTION, "application_name": name, "options": f"{_OPTIONS} {options}"}
        self._connection: psycopg.Connection | None = None

    @property
    def leads(self) -> bool:
        """Whether this process was the active one when it last looked."""
        return self._connection is not None

    def try_to_lead(self) -> bool:
        """Become the active one for this database, unless another process is."""
        connection = psycopg.connect(self._url, autocommit=True, **self._settings)
        if connection.execute("SELECT pg_try_advisory_lock(%s)", (self._lock,)).fetchone() == (True,):
            self._connection = connection
        else:
            connection.close()
        return self.leads

    def close(self) -> None:
        """Let go of the lock, and of a connection that may be broken."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def connection(self) -> psycopg.Connection:
        """Raises psycopg.OperationalError when this process does not lead."""
        if self._connection is None:
            raise psycopg.OperationalError(f"this {self._name} does not lead")
        return self._connection
