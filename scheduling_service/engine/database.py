"""Connections to one Postgres, and what its errors mean to a caller.

Connections are in autocommit: every transaction begins and commits in the open, in `writing.py` and `reading`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors as pg
from psycopg.rows import TupleRow
from sqlalchemy import create_engine, exc

from contracts.scheduling.errors import DeadlineExceeded, NotOwner, SchedulingError, Unavailable

Connection = psycopg.Connection[TupleRow]

_OPTIONS = "-c timezone=UTC -c statement_timeout=10000 -c idle_in_transaction_session_timeout=15000"
_BUSY = "Scheduling is busy; nothing was done."
_AWAY = "Scheduling's database cannot be reached; nothing was done."


class Database:
    """A bounded pool of connections under one role.

    `pool_timeout` bounds, in seconds, the wait for a free connection; past it the caller gets `Unavailable`.
    """

    def __init__(self, url: str, *, pool_size: int = 8, pool_timeout: float = 2.0) -> None:
        self._engine = create_engine(
            _for_psycopg(url),
            isolation_level="AUTOCOMMIT",
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=pool_timeout,
            connect_args={"connect_timeout": 2, "options": _OPTIONS, "prepare_threshold": 0},
        )

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for the block's own use, outside any transaction. One that broke is not used again."""
        try:
            pooled = self._engine.raw_connection()
        except exc.TimeoutError as error:
            raise Unavailable(_BUSY) from error
        except exc.OperationalError as error:
            raise Unavailable(_AWAY) from error
        connection: Any = pooled.driver_connection
        try:
            yield connection
        finally:
            if connection.broken or connection.closed:
                pooled.invalidate()
            pooled.close()

    @contextmanager
    def reading(self, business_id: UUID) -> Iterator[Connection]:
        """A transaction that sees the rows of one business. Raises contract errors for what Postgres raises."""
        with translated(), self.connection() as connection, connection.transaction():
            connection.execute("SELECT set_config('app.business_id', %s, true)", (str(business_id),))
            yield connection

    def drop_idle(self) -> None:
        """Close the connections nobody uses: after a restart of the server they are all dead."""
        self._engine.dispose()

    def ping(self) -> None:
        """Raise Unavailable, with the remedy, unless the server answers and the schema is migrated."""
        with translated(), self.connection() as connection:
            connection.execute("SELECT 1 FROM scheduling.lease LIMIT 1")


@contextmanager
def translated() -> Iterator[None]:
    """Raise the contract's error for Postgres' own. For work of which nothing has been committed."""
    try:
        yield
    except psycopg.Error as error:
        raise meaning(error) from error


def meaning(error: psycopg.Error) -> SchedulingError:
    """The contract's error for one that came before a commit."""
    code = error.sqlstate or ""
    if code == "SL001":
        return NotOwner("This database does not own the business.")
    if isinstance(error, pg.TransactionTimeout | pg.QueryCanceled):
        return DeadlineExceeded("The time given ran out; nothing was done.")
    if isinstance(error, pg.UndefinedTable | pg.InvalidSchemaName | pg.UndefinedFunction | pg.UndefinedColumn):
        return Unavailable("Scheduling's database is not migrated; run `extraction db setup`.", retry_after=10)
    if isinstance(error, pg.LockNotAvailable | pg.SerializationFailure | pg.DeadlockDetected):
        return Unavailable(_BUSY, retry_after=0.2)
    if isinstance(error, pg.ReadOnlySqlTransaction | pg.DiskFull):
        return Unavailable("Scheduling's database takes no writes; nothing was done.", retry_after=5)
    if isinstance(error, psycopg.OperationalError):
        return Unavailable(_AWAY)
    raise error


def _for_psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)
