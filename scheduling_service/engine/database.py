"""Access to one Postgres database, and the translation of its errors to contract errors.

Connections are in autocommit mode: transactions begin and end explicitly, in `write_transaction.py` and
`read_transaction.py`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from psycopg import errors as pg

from contracts.chassis.deadline import Deadline
from contracts.scheduling.errors import DeadlineExceeded, NotOwner, SchedulingError, Unavailable
from contracts.scheduling.validation import DEADLINE_PASSED
from scheduling_service.engine.connection import Connection
from scheduling_service.engine.pool import OnWait, Pool

__all__ = ["Connection", "EngineDatabase", "busy", "contract_errors", "time_left_ms", "to_contract_error"]

T = TypeVar("T")

_MAX_TIMEOUT_MS = 2**31 - 1


class EngineDatabase:
    """A bounded pool of connections under one role. Thread-safe.

    Waiting for a free connection ends after `pool_timeout` seconds or at the caller's deadline, with `Unavailable`;
    `on_pool_wait` is called with the seconds of each wait.
    """

    def __init__(
        self,
        url: str,
        *,
        pool_size: int = 8,
        pool_timeout: float = 2.0,
        on_pool_wait: OnWait = lambda seconds: None,
    ) -> None:
        self._pool = Pool(url, pool_size, pool_timeout, on_pool_wait)
        self._pool_timeout = pool_timeout

    @contextmanager
    def connection(self, deadline: Deadline) -> Iterator[Connection]:
        """Lend a connection outside any transaction. A broken one is not used again."""
        connection = self._pool.acquire(deadline)
        try:
            yield connection
        finally:
            self._pool.release(connection)

    def read(self, deadline: Deadline, work: Callable[[Connection], T]) -> T:
        """Return the result of `work`, which must only read.

        If the pooled connection was dead, `work` runs again on a new one. Raises contract errors for Postgres' errors.
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
        """Close the idle connections, which are all dead after a restart of the server."""
        self._pool.drop_idle()

    def ping(self) -> None:
        """Raise Unavailable, naming the remedy, unless the server responds and the schema is migrated."""
        deadline = Deadline.after(self._pool_timeout)
        self.read(deadline, lambda connection: connection.execute("SELECT 1 FROM scheduling.lease LIMIT 1"))


def time_left_ms(deadline: Deadline) -> int:
    """Return the remaining time in milliseconds, as a Postgres timeout. Raises DeadlineExceeded if none is left."""
    left = int(min(deadline.remaining() * 1000, _MAX_TIMEOUT_MS))
    if left <= 0:
        raise DeadlineExceeded(DEADLINE_PASSED)
    return left


@contextmanager
def contract_errors() -> Iterator[None]:
    """Raise contract errors for Postgres' errors. For work that has committed nothing."""
    try:
        yield
    except psycopg.Error as error:
        raise to_contract_error(error) from error


def to_contract_error(error: psycopg.Error) -> SchedulingError:
    """Return the contract error for an error before a commit; re-raise an error that has none."""
    code = error.sqlstate or ""
    if code == "SL001":
        return NotOwner("This database does not own the business.")
    if isinstance(error, pg.TransactionTimeout | pg.QueryCanceled):
        return DeadlineExceeded(DEADLINE_PASSED)
    if isinstance(error, pg.UndefinedTable | pg.InvalidSchemaName | pg.UndefinedFunction | pg.UndefinedColumn):
        return Unavailable("Scheduling's database is not migrated; run `extraction db setup`.", retry_after=10)
    if isinstance(error, pg.LockNotAvailable | pg.SerializationFailure | pg.DeadlockDetected):
        return busy()
    if isinstance(error, pg.ReadOnlySqlTransaction | pg.DiskFull):
        return Unavailable("Scheduling's database does not accept writes; nothing was done.", retry_after=5)
    if isinstance(error, psycopg.OperationalError):
        return Unavailable("Scheduling's database is unreachable; nothing was done.")
    raise error


def busy() -> Unavailable:
    """Return the error for work that lost to concurrent writes."""
    return Unavailable("Scheduling is busy; nothing was done.", retry_after=0.2)
