"""Leader election: at most one active process per task and database, by a Postgres advisory lock."""

from typing import Any

import psycopg

from contracts.chassis.direct_connection import connect_directly

# Both ends notice a dead peer within seconds; the server then releases the lock.
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
    """A connection that holds the advisory lock of a task for as long as it is open.

    `url` must not lead to a pooler. `lock` identifies the task within the database; `name` is the connection's
    application name; `options` are further settings of the session. Connects with the first `try_to_lead`. Methods
    raise psycopg.Error. Not thread-safe.
    """

    def __init__(self, url: str, lock: int, name: str, options: str) -> None:
        self._url = url
        self._lock = lock
        self._name = name
        self._settings = {**_CONNECTION, "application_name": name, "options": f"{_OPTIONS} {options}"}
        self._connection: psycopg.Connection | None = None

    @property
    def leads(self) -> bool:
        """Whether this process held the lock when it was last checked."""
        return self._connection is not None

    def try_to_lead(self) -> bool:
        """Acquire the lock unless another process holds it; return whether this process leads."""
        connection = connect_directly(self._url, autocommit=True, **self._settings)
        if connection.execute("SELECT pg_try_advisory_lock(%s)", (self._lock,)).fetchone() == (True,):
            self._connection = connection
        else:
            connection.close()
        return self.leads

    def close(self) -> None:
        """Release the lock and close the connection, which may be broken."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def connection(self) -> psycopg.Connection:
        """Return the connection that holds the lock. Raises psycopg.OperationalError if this process does not lead."""
        if self._connection is None:
            raise psycopg.OperationalError(f"this {self._name} does not lead")
        return self._connection
