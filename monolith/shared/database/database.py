"""The connection pool of a module, under the module's own role.

Connections are in autocommit mode and transactions begin and end here explicitly, so that `BEGIN` and the business are
sent in one round trip, and so that a dead pooled connection is detected before any work is done.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, cast
from urllib.parse import unquote, urlsplit
from uuid import UUID

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError

from contracts.chassis import tracing
from contracts.chassis.credentials import role_url
from contracts.chassis.database_urls import sqlalchemy_url
from contracts.chassis.logins import alternatives, was_password_sent
from monolith.shared.database.bounded_connection import FIRST_REPLY_SECONDS, BoundedConnection, ServerSilent
from monolith.shared.database.errors import CommitUnknown, DatabaseUnavailable, busy, unavailable, unreachable
from monolith.shared.database.traced_statements import record_statements

T = TypeVar("T")

_thread_state = threading.local()


def transaction_is_open() -> bool:
    """Return whether this thread is in a transaction, where calls to other databases or services are not allowed."""
    return getattr(_thread_state, "transactions", 0) > 0


class ModuleDatabase:
    """A connection pool that connects on first use and reconnects by itself. Thread-safe.

    `url` may lead to a transaction pooler: the limits and the time zone of a session are settings of the role.
    `pool_timeout` limits the wait for a free connection; `on_pool_wait`, if given, is called with each wait. Both are
    in seconds.
    """

    def __init__(
        self,
        url: str,
        *,
        role: str,
        secret: str,
        pool_size: int = 5,
        pool_timeout: float = 2.0,
        on_pool_wait: Callable[[float], None] | None = None,
    ) -> None:
        self.role = role
        self._on_pool_wait = on_pool_wait
        self._engine = _engine(role_url(url, role, secret), role, pool_size, pool_timeout)
        if tracing.is_on():
            record_statements(self._engine)

    @contextmanager
    def transaction(self, businesses: UUID | Collection[UUID] | None = None) -> Iterator[Connection]:
        """Open a READ COMMITTED transaction that commits at the end of the block and rolls back on an exception.

        Row-level security shows the rows of `businesses`, one or several; without any, no rows of protected tables.

        Raises DatabaseUnavailable if the database cannot be reached in time or cannot work (nothing was done), and
        CommitUnknown if the connection is lost at COMMIT. Other errors of statements propagate.
        """
        connection = self._begin(_begin_statement(businesses))
        _thread_state.transactions = getattr(_thread_state, "transactions", 0) + 1
        try:
            yield connection
            _commit(connection)
        except DBAPIError as error:
            raise unavailable(error) or error from error
        finally:
            _thread_state.transactions -= 1
            _release(connection)

    def query(self, run: Callable[[Connection], T]) -> T:
        """Run a single statement outside a transaction: one round trip instead of three.

        It is repeated once if the connection was dead, so it must be idempotent. It sees no rows of protected tables.
        Raises DatabaseUnavailable.
        """
        try:
            return self._run(run)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise unavailable(error) or error from error
        try:
            return self._run(run)
        except DBAPIError as error:
            raise unavailable(error) or error from error

    def read_value(self, statement: str, parameters: Mapping[str, object]) -> Any:
        """Return the value of a statement that returns one column and at most one row; None without a row.

        Like `query`, but calls the driver directly, at a third of SQLAlchemy's cost: for reads that requests repeat.
        Parameters are written `%(name)s`. Raises DatabaseUnavailable, after three seconds also without a reply, and
        psycopg.Error if the statement is wrong.
        """
        try:
            return self._read_value(statement, parameters)
        except _ConnectionLost:
            # The pooled connection was dead, and the others probably are too.
            self._engine.dispose()
        try:
            return self._read_value(statement, parameters)
        except _ConnectionLost as lost:
            raise unreachable() from lost

    def ping(self) -> None:
        """Raise DatabaseUnavailable unless the server accepts this role."""
        with self.transaction():
            pass

    def close(self) -> None:
        """Close idle connections; others are closed when they return to the pool."""
        self._engine.dispose()

    def _run(self, run: Callable[[Connection], T]) -> T:
        connection = self._check_out()
        try:
            return run(connection)
        finally:
            _release(connection)

    def _read_value(self, statement: str, parameters: Mapping[str, object]) -> Any:
        connection = self._check_out()
        driver = _driver(connection)
        try:
            driver.patience = FIRST_REPLY_SECONDS
            with tracing.query(statement):
                row = driver.execute(statement.encode(), parameters, prepare=True).fetchone()
        except psycopg.Error as error:
            if driver.closed:
                connection.invalidate()
                if isinstance(error, ServerSilent):
                    raise self._silent() from error
                raise _ConnectionLost from error
            raise unavailable(error) or error from error
        finally:
            driver.patience = None
            _release(connection)
        return None if row is None else row[0]

    def _silent(self) -> DatabaseUnavailable:
        """Close the pooled connections, of which each would cost the same wait; a new one fails after two seconds."""
        self._engine.dispose()
        return unreachable()

    def _begin(self, statement: bytes) -> Connection:
        try:
            return self._begin_once(statement)
        except ServerSilent as error:
            raise self._silent() from error
        except psycopg.OperationalError:
            # The pooled connection was dead, and the others probably are too. Nothing was sent, so retry on a new one.
            self._engine.dispose()
        try:
            return self._begin_once(statement)
        except psycopg.Error as error:
            raise unavailable(error) or error from error

    def _begin_once(self, statement: bytes) -> Connection:
        connection = self._check_out()
        driver = _driver(connection)
        try:
            driver.patience = FIRST_REPLY_SECONDS
            # `prepare=False`, because a string with two statements cannot be prepared.
            driver.execute(statement, prepare=False)
        except psycopg.Error:
            connection.invalidate()
            connection.close()
            raise
        finally:
            driver.patience = None
        return connection

    def _check_out(self) -> Connection:
        started = time.perf_counter()
        try:
            return self._engine.connect()
        except TimeoutError as error:
            raise busy() from error
        except OperationalError as error:
            raise unavailable(error) or error from error
        finally:
            if self._on_pool_wait is not None:
                self._on_pool_wait(time.perf_counter() - started)


class _ConnectionLost(Exception):
    """The server has closed a connection, or is unreachable."""


def _engine(url: str, role: str, pool_size: int, pool_timeout: float) -> Engine:
    newer, *older = alternatives(url)
    engine = create_engine(
        sqlalchemy_url(newer),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=pool_timeout,
        pool_use_lifo=True,
        # An error's text, which logs and dead letters contain, does not quote the parameters of its statement.
        hide_parameters=True,
        connect_args={
            "application_name": role,
            "connect_timeout": 2,
            "tcp_user_timeout": 10_000,
        },
    )
    _log_in(engine, unquote(urlsplit(older[0]).password or "") if older else None)
    return engine


def _log_in(engine: Engine, older: str | None) -> None:
    """Connect, with the older password of a rotation while the server refuses the newer one."""

    @event.listens_for(engine, "do_connect")
    def log_in(_: Dialect, __: object, arguments: tuple[Any, ...], settings: dict[str, Any]) -> DBAPIConnection:
        try:
            return cast(DBAPIConnection, BoundedConnection.connect(*arguments, **settings))
        except psycopg.OperationalError as error:
            if older is None or not was_password_sent(error):
                raise
        return cast(DBAPIConnection, BoundedConnection.connect(*arguments, **{**settings, "password": older}))


def _begin_statement(businesses: UUID | Collection[UUID] | None) -> bytes:
    if not businesses:
        return b"BEGIN"
    several = businesses if isinstance(businesses, Collection) else (businesses,)
    ids = ",".join(str(UUID(int=each.int)) for each in several)
    return f"BEGIN; SELECT set_config('app.business_id', '{ids}', true)".encode()


def _driver(connection: Connection) -> BoundedConnection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, BoundedConnection)
    return driver


def _commit(connection: Connection) -> None:
    if _driver(connection).info.transaction_status == TransactionStatus.INERROR:
        # COMMIT would roll back without raising an error.
        raise RuntimeError("a statement's error was swallowed inside the transaction; use begin_nested() around it")
    try:
        connection.commit()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise CommitUnknown from error
        raise


def _release(connection: Connection) -> None:
    # Fails only if the connection is dead: then the server rolls back and the pool discards the connection.
    with suppress(DBAPIError):
        connection.close()
