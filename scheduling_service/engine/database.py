"""Connections to one Postgres, and what its errors mean to a caller.

Connections are in autocommit: every transaction begins and commits in the open, in `writing.py` and `reading.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from psycopg import errors as pg

from contracts.chassis.deadline import Deadline
from contracts.scheduling.errors import DeadlineExceeded, NotOwner, SchedulingError, Unavailable
from contracts.scheduling.validation import DEADLINE_PASSED
from scheduling_service.engine.pool import Connection, Pool

__all__ = ["Connection", "Database", "contract_errors", "time_left_ms", "to_contract_error"]

T = TypeVar("T")

_BUSY = "Scheduling is busy; nothing was done."
_AWAY = "Scheduling's database cannot be reached; nothing was done."
_LONGEST_MS = 2**31 - 1


class Database:
    """A bounded pool of connections under one role.

    `pool_timeout` bounds, in seconds, the wait for a free connection, and so does the caller's deadline; past either
    the caller gets `Unavailable`.
    """

    def __init__(self, url: str, *, pool_size: int = 8, pool_timeout: float = 2.0) -> None:
        self._pool = Pool(url, pool_size, pool_timeout)
        self._pool_timeout = pool_timeout

    @contextmanager
    def connection(self, deadline: Deadline) -> Iterator[Connection]:
        """A connection for the block's own use, outside any transaction. One that broke is not used again."""
        connection = self._pool.acquire(deadline)
        try:
            yield connection
        finally:
            self._pool.release(connection)

    def read(self, deadline: Deadline, work: Callable[[Connection], T]) -> T:
        """What `work` reads. When the connection had died in the pool, `work` is begun once more on a new one.

        Raises contract errors for what Postgres raises.
        """
        connection = self._pool.acquire(deadline)
        try:
            return work(connection)
        except psycopg.Error as error:
            if not (connection.closed and isinstance(error, psycopg.OperationalError)):
                raise to_contract_error(error) from error
        finally:
            self._pool.release(connection)
        self.drop_idle()
        with contract_errors(), self.connection(deadline) as connection:
            return work(connection)

    def drop_idle(self) -> None:
        """Close the connections nobody uses: after a restart of the server they are all dead."""
        self._pool.drop_idle()

    def ping(self) -> None:
        """Raise Unavailable, with the remedy, unless the server answers and the schema is migrated."""
        within = Deadline.after(self._pool_timeout)
        self.read(within, lambda connection: connection.execute("SELECT 1 FROM scheduling.lease LIMIT 1"))


def time_left_ms(deadline: Deadline) -> int:
    """What is left, as Postgres takes a timeout. Raises DeadlineExceeded when that is nothing."""
    left = int(min(deadline.remaining() * 1000, _LONGEST_MS))
    if left <= 0:
        raise DeadlineExceeded(DEADLINE_PASSED)
    return left


@contextmanager
def contract_errors() -> Iterator[None]:
    """Raise the contract's error for Postgres' own. For work of which nothing has been committed."""
    try:
        yield
    except psycopg.Error as error:
        raise to_contract_error(error) from error


def to_contract_error(error: psycopg.Error) -> SchedulingError:
    """The contract's error for one that came before a commit."""
    code = error.sqlstate or ""
    if code == "SL001":
        return NotOwner("This database does not own the business.")
    if isinstance(error, pg.TransactionTimeout | pg.QueryCanceled):
        return DeadlineExceeded(DEADLINE_PASSED)
    if isinstance(error, pg.UndefinedTable | pg.InvalidSchemaName | pg.UndefinedFunction | pg.UndefinedColumn):
        return Unavailable("Scheduling's database is not migrated; run `extraction db setup`.", retry_after=10)
    if isinstance(error, pg.LockNotAvailable | pg.SerializationFailure | pg.DeadlockDetected):
        return Unavailable(_BUSY, retry_after=0.2)
    if isinstance(error, pg.ReadOnlySqlTransaction | pg.DiskFull):
        return Unavailable("Scheduling's database takes no writes; nothing was done.", retry_after=5)
    if isinstance(error, psycopg.OperationalError):
        return Unavailable(_AWAY)
    raise error
