"""A bounded connection pool. The connection released last is acquired next, because its caches are warm."""

from collections import deque
from collections.abc import Sequence
from threading import Condition
from typing import Any, Self

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGresult
from psycopg.rows import TupleRow

from contracts.chassis.deadline import Deadline
from contracts.scheduling.errors import Unavailable

_UNKNOWN_STATEMENT = b"26000"
_OPTIONS = "-c timezone=UTC -c statement_timeout=10000 -c idle_in_transaction_session_timeout=15000"


class Connection(psycopg.Connection[TupleRow]):
    """A connection in autocommit mode, with a fast path for the most frequent statement.

    Outside a transaction, `read_bytes` calls libpq directly, which costs the client less than half of what a cursor
    costs, and releases the GIL once.
    """

    _reader: psycopg.RawCursor[TupleRow]
    _names: dict[str, bytes]

    @classmethod
    def open(cls, url: str) -> Self:
        """Connect. Raises psycopg.OperationalError, after at most two seconds."""
        settings: dict[str, Any] = {"prepare_threshold": 0, "tcp_user_timeout": 10_000, "options": _OPTIONS}
        connection = cls.connect(url, autocommit=True, connect_timeout=2, **settings)
        connection._reader = psycopg.RawCursor(connection)
        connection._names = {}
        return connection

    def read_bytes(self, statement: str, parameters: Sequence[object]) -> bytes | None:
        """Return the only value of the only row, in Postgres' binary format; None for NULL.

        Parameters are written $1, $2, … and sent as text. Raises psycopg.Error as a cursor does.
        """
        texts = [None if each is None else str(each) for each in parameters]
        if self.pgconn.transaction_status != TransactionStatus.IDLE:
            row = self._reader.execute(statement.encode(), texts, binary=True).fetchone()
            return None if row is None else row[0]
        result = self._execute_prepared(statement, texts)
        if result.error_field(DiagnosticField.SQLSTATE) == _UNKNOWN_STATEMENT:
            # After a rollback psycopg deallocates all prepared statements, including these.
            self._names.clear()
            result = self._execute_prepared(statement, texts)
        if result.status != ExecStatus.TUPLES_OK:
            raise self._error(result)
        return result.get_value(0, 0)

    def _execute_prepared(self, statement: str, texts: Sequence[str | None]) -> PGresult:
        name = self._names.get(statement)
        if name is None:
            name = f"read_{len(self._names)}".encode()
            prepared = self.pgconn.prepare(name, statement.encode())
            if prepared.status != ExecStatus.COMMAND_OK:
                raise self._error(prepared)
            self._names[statement] = name
        # The annotation of exec_prepared does not allow NULL parameters.
        values: Any = [None if text is None else text.encode() for text in texts]
        return self.pgconn.exec_prepared(name, values, None, Format.BINARY)

    def _error(self, result: PGresult) -> psycopg.Error:
        """Return the error of a result. The result of a broken connection has no SQLSTATE."""
        if self.closed:
            return psycopg.OperationalError(result.get_error_message())
        return error_from_result(result)


class Pool:
    """A pool of at most `size` connections. Thread-safe; acquiring a free connection takes no lock.

    Each slot holds a connection, or None if it has not been opened. `timeout`, in seconds, bounds the wait for a slot.
    """

    def __init__(self, url: str, size: int, timeout: float) -> None:
        self._url = url
        self._timeout = timeout
        self._slots: deque[Connection | None] = deque([None] * size)
        self._returned = Condition()
        self._waiting = 0

    def acquire(self, deadline: Deadline) -> Connection:
        """Return a connection, to be released later.

        Raises Unavailable when none is free in time or the server is unreachable.
        """
        try:
            slot = self._slots.pop()
        except IndexError:
            slot = self._wait_for_slot(deadline.capped(self._timeout))
        if slot is not None:
            return slot
        try:
            return Connection.open(self._url)
        except BaseException as error:
            self._put(None)
            if isinstance(error, psycopg.OperationalError):
                raise Unavailable("Scheduling's database is unreachable; nothing was done.") from error
            raise

    def release(self, connection: Connection) -> None:
        """Return a connection to the pool; close it if it is broken or still inside a transaction."""
        if connection.pgconn.transaction_status == TransactionStatus.IDLE:
            self._put(connection)
        else:
            connection.close()
            self._put(None)

    def drop_idle(self) -> None:
        """Close the idle connections."""
        for _ in range(len(self._slots)):
            try:
                slot = self._slots.pop()
            except IndexError:
                return
            if slot is not None:
                slot.close()
            self._put(None)

    def _put(self, slot: Connection | None) -> None:
        if slot is None:
            self._slots.appendleft(None)
        else:
            self._slots.append(slot)
        # A waiting thread increments the counter before its last attempt to pop, so it is not missed here.
        if self._waiting:
            with self._returned:
                self._returned.notify()

    def _wait_for_slot(self, until: Deadline) -> Connection | None:
        with self._returned:
            self._waiting += 1
            try:
                while True:
                    try:
                        return self._slots.pop()
                    except IndexError:
                        if not self._returned.wait(max(0.0, until.remaining())):
                            raise Unavailable("Scheduling is busy; nothing was done.") from None
            finally:
                self._waiting -= 1
