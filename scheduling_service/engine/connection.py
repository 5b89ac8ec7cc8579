"""A connection that can send several statements in one round trip, by libpq's pipeline mode."""

import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NoReturn, Self

import psycopg
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.generators import fetch_many, send
from psycopg.pq import DiagnosticField, ExecStatus, Format, TransactionStatus
from psycopg.pq.abc import PGconn, PGresult
from psycopg.rows import Row, TupleRow

from contracts.chassis import tracing
from contracts.chassis.logins import log_in

_UNKNOWN_STATEMENT = b"26000"
_UNTRACED = nullcontext()

Parameters = Sequence[object]


class Statement:
    """A statement that was queued. Its result is available once another call has sent it."""

    def __init__(self, sql: str, values: Any, formats: list[Format]) -> None:
        self.sql = sql
        self.values = values  # psycopg's annotations do not allow NULL among them
        self.formats = formats
        self.result: PGresult | None = None

    def read_bytes(self) -> bytes | None:
        """Return the only value of the only row, in Postgres' binary format; None for NULL."""
        assert self.result is not None, "nothing was sent after this statement was queued"
        return self.result.get_value(0, 0)

    def returned_row(self) -> bool:
        """Return whether the statement returned at least one row."""
        assert self.result is not None, "nothing was sent after this statement was queued"
        return self.result.ntuples > 0


_Sent = tuple[Statement, bytes | None]
"""A statement, and the name under which it is being prepared; None if it is being executed."""


class NamedParameters:
    """A statement written with %(name)s, which Postgres receives with $1, $2, …"""

    def __init__(self, statement: str) -> None:
        names = list(dict.fromkeys(re.findall(r"%\((\w+)\)s", statement)))
        self.sql = re.sub(r"%\((\w+)\)s", lambda found: f"${names.index(found[1]) + 1}", statement)
        self._names = names

    def parameters(self, values: Mapping[str, object]) -> Parameters:
        """Return the values in the order of the statement."""
        return [values[name] for name in self._names]


class _Cursor(psycopg.Cursor[Row]):
    """A cursor whose statements follow the queued ones of its connection."""

    def execute(self, *args: Any, **settings: Any) -> Self:
        connection = self.connection
        assert isinstance(connection, Connection), "Connection creates these cursors"
        connection.flush()
        with tracing.query(str(args[0])) if tracing.is_on() else _UNTRACED:
            return super().execute(*args, **settings)


class Connection(psycopg.Connection[TupleRow]):
    """A connection in autocommit mode. Not thread-safe.

    `send_later`, `query_row` and `run` send several statements in one round trip. Each remains a statement of its own:
    under READ COMMITTED it sees what was committed before it began. After an error Postgres skips the rest of the round
    trip. They prepare every statement, write parameters as $1, $2, …, and send them as text (bytes as they are), so
    Postgres infers their types.

    Statements of `send_later` are executed before every other statement of this connection, cursors included.

    `answered` is whether a statement of the last round trip completed; if none did, the connection may have been dead.
    """

    answered: bool
    _names: dict[str, bytes]
    _last_number: int
    _queued: list[Statement]

    @classmethod
    def open(cls, url: str) -> Self:
        """Connect, with either password of a rotation. Raises psycopg.OperationalError, after at most two seconds.

        `url` may lead to a transaction pooler: the limits and the time zone of a session are settings of the role.
        """
        settings: dict[str, Any] = {"prepare_threshold": 0, "tcp_user_timeout": 10_000}
        settings |= {"autocommit": True, "connect_timeout": 2, "cursor_factory": _Cursor}
        connection = log_in(url, lambda each: cls.connect(each, **settings))
        connection.answered = False
        connection._names = {}
        connection._last_number = 0
        connection._queued = []
        return connection

    def send_later(self, sql: str, parameters: Parameters = ()) -> Statement:
        """Queue a statement. Its error is raised by the call that sends it."""
        statement = _encode(sql, parameters)
        self._queued.append(statement)
        return statement

    def query_row(self, sql: str, parameters: Parameters = ()) -> TupleRow | None:
        """Return the first row of a statement, sent together with the queued ones; None if there is none."""
        return next(iter(self.query_rows(sql, parameters)), None)

    def query_rows(self, sql: str, parameters: Parameters = ()) -> list[TupleRow]:
        """Return all rows of a statement, sent together with the queued ones."""
        return self._load(self._round_trip(_encode(sql, parameters)))

    def rows_of(self, statement: Statement) -> list[TupleRow]:
        """Return all rows of a queued statement that another call has sent."""
        assert statement.result is not None, "nothing was sent after this statement was queued"
        return self._load(statement.result)

    def run(self, sql: str, parameters: Parameters = ()) -> None:
        """Execute a statement, sent together with the queued ones; for BEGIN, COMMIT and other commands."""
        self._round_trip(_encode(sql, parameters))

    def read_bytes(self, sql: str, parameters: Parameters) -> bytes | None:
        """Return the only value of the only row, in Postgres' binary format; None for NULL.

        Outside a transaction, this is the cheapest way to execute a statement: it releases the GIL once.
        """
        statement = _encode(sql, parameters)
        if self._queued or self.pgconn.transaction_status != TransactionStatus.IDLE:
            return self._round_trip(statement).get_value(0, 0)
        result = self._execute_alone(statement)
        if result.error_field(DiagnosticField.SQLSTATE) == _UNKNOWN_STATEMENT:
            self._names.clear()
            result = self._execute_alone(statement)
        if result.status != ExecStatus.TUPLES_OK:
            raise _error(result)
        return result.get_value(0, 0)

    def roll_back(self) -> None:
        """Discard the queued statements, and end the transaction if one is open."""
        self._queued.clear()
        if not self.closed and self.pgconn.transaction_status != TransactionStatus.IDLE:
            # psycopg would drop all prepared statements of a connection on which it executes ROLLBACK.
            self.run("ROLLBACK")

    def flush(self) -> None:
        """Execute the queued statements."""
        if self._queued:
            self._round_trip()

    def _round_trip(self, *statements: Statement) -> PGresult:
        """Execute the queued statements and these; return the result of the last one."""
        self.answered = False
        batch = [*self._queued, *statements]
        self._queued.clear()
        with tracing.query("; ".join(statement.sql for statement in batch)) if tracing.is_on() else _UNTRACED:
            return self._exchange(batch)

    def _exchange(self, batch: list[Statement]) -> PGresult:
        try:
            self.pgconn.enter_pipeline_mode()
            sent = [kind for statement in batch for kind in self._send(statement)]
            self.pgconn.pipeline_sync()
            results = self.wait(_communicate(self.pgconn, len(sent)))
            if not self.closed:
                self.pgconn.exit_pipeline_mode()
        except BaseException:
            # Results may be outstanding, so the connection cannot be used any more.
            self.pgconn.finish()
            raise
        self.answered = results[0].status != ExecStatus.FATAL_ERROR
        for (statement, name), result in zip(sent, results, strict=False):
            if result.status == ExecStatus.FATAL_ERROR:
                if _sqlstate(result) == _UNKNOWN_STATEMENT:
                    self._names.clear()
                raise _error(result)
            if name is None:
                statement.result = result
            else:
                self._names[statement.sql] = name
        return results[-1]

    def _send(self, statement: Statement) -> list[_Sent]:
        """Send a statement, after its preparation if it has none; return an element for each result to expect."""
        name, sent = self._names.get(statement.sql), list[_Sent]()
        if name is None:
            name = self._new_name()
            self.pgconn.send_prepare(name, statement.sql.encode())
            sent.append((statement, name))
        self.pgconn.send_query_prepared(name, statement.values, statement.formats, Format.BINARY)
        return [*sent, (statement, None)]

    def _load(self, result: PGresult) -> list[TupleRow]:
        transformer = Transformer(self)
        transformer.set_pgresult(result)
        return transformer.load_rows(0, result.ntuples, tuple)

    def _execute_alone(self, statement: Statement) -> PGresult:
        if tracing.is_on():
            with tracing.query(statement.sql):
                return self._execute_prepared(statement)
        return self._execute_prepared(statement)

    def _execute_prepared(self, statement: Statement) -> PGresult:
        name = self._names.get(statement.sql)
        if name is None:
            name = self._new_name()
            prepared = self.pgconn.prepare(name, statement.sql.encode())
            if prepared.status != ExecStatus.COMMAND_OK:
                raise _error(prepared)
            self._names[statement.sql] = name
        return self.pgconn.exec_prepared(name, statement.values, statement.formats, Format.BINARY)

    def _new_name(self) -> bytes:
        self._last_number += 1
        return b"engine_%d" % self._last_number


def _encode(sql: str, parameters: Parameters) -> Statement:
    values: list[bytes | None] = []
    formats = [Format.TEXT] * len(parameters)
    for index, value in enumerate(parameters):
        if value is None or isinstance(value, bytes):
            values.append(value)
            formats[index] = Format.BINARY
        elif isinstance(value, str):
            values.append(_encode_text(value))
        elif isinstance(value, list | tuple):
            values.append(_encode_text(f"{{{','.join(map(_quote_element, value))}}}"))
        else:
            values.append(str(value).encode())
    return Statement(sql, values, formats)


def _encode_text(value: str) -> bytes:
    text = value.encode()
    if 0 in text:
        # libpq would send the text only up to here.
        raise psycopg.DataError("text cannot contain NUL")
    return text


def _quote_element(value: object) -> str:
    return '"' + str(value).replace("\\", r"\\").replace('"', r"\"") + '"'


def _communicate(pgconn: PGconn, count: int) -> PQGen[list[PGresult]]:
    """Send what libpq has buffered and return that many results; fewer if the connection was lost after an error."""
    results: list[PGresult] = []
    try:
        yield from send(pgconn)
        while len(results) < count:
            results.extend((yield from fetch_many(pgconn)) or _lost())
        yield from fetch_many(pgconn)  # the end of the pipeline
    except psycopg.OperationalError:
        if not any(result.status == ExecStatus.FATAL_ERROR for result in results):
            raise
    return results


def _lost() -> NoReturn:
    raise psycopg.OperationalError("the connection was lost")


def _sqlstate(result: PGresult) -> bytes | None:
    return result.error_field(DiagnosticField.SQLSTATE)


def _error(result: PGresult) -> psycopg.Error:
    """Return the error of a result. The result of a broken connection has no SQLSTATE."""
    if _sqlstate(result) is None:
        return psycopg.OperationalError(result.get_error_message())
    return error_from_result(result)
