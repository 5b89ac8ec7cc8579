"""Records the statements of an SQLAlchemy engine in the current trace, without their parameters."""

from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import Connection, ExceptionContext
from sqlalchemy.engine.interfaces import DBAPICursor, ExecutionContext

from contracts.chassis import tracing

_KEY = "extraction.span"


def record_statements(engine: Engine) -> None:
    """Record every statement of the engine from now on, unless its request is not recorded."""
    event.listen(engine, "before_cursor_execute", _begin)
    event.listen(engine, "after_cursor_execute", _end)
    event.listen(engine, "handle_error", _fail)


def _begin(
    connection: Connection, cursor: DBAPICursor, statement: str, parameters: Any, context: Any, many: bool
) -> None:
    span = tracing.query(statement)
    span.__enter__()
    connection.info[_KEY] = span


def _end(
    connection: Connection, cursor: DBAPICursor, statement: str, parameters: Any, context: ExecutionContext, many: bool
) -> None:
    _close(connection.info.pop(_KEY, None), None)


def _fail(context: ExceptionContext) -> None:
    if context.connection is not None and not context.connection.invalidated:
        _close(context.connection.info.pop(_KEY, None), context.original_exception)


def _close(span: AbstractContextManager[object] | None, error: BaseException | None) -> None:
    if span is not None:
        span.__exit__(None if error is None else type(error), error, None)
