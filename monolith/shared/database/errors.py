"""Errors of the database, with messages for end users.

DatabaseUnavailable    nothing was done; a retry after `retry_after` seconds may succeed
CommitUnknown          the connection was lost at COMMIT: the transaction may have been committed

Errors of the statement itself (a constraint, a syntax error) stay SQLAlchemy errors, which the repository handles.
"""

import psycopg
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError

_BUSY = "The system is busy. Nothing was done; please try again."
_UNREACHABLE = "The system cannot reach its database at the moment. Nothing was done; please try again."
_READ_ONLY = "The system does not accept changes at the moment. Nothing was done; please try again later."
_UNMIGRATED = "The system is being set up. Nothing was done; please try again later."
_UNKNOWN = (
    "The connection was lost at the last moment, so this may or may not have been done. Please check, or repeat it."
)


class DatabaseUnavailable(Exception):
    """The database could not do the work, and nothing was done. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after = retry_after


class CommitUnknown(Exception):
    """The transaction may have been committed."""

    def __init__(self) -> None:
        super().__init__(_UNKNOWN)
        self.message = _UNKNOWN


def busy() -> DatabaseUnavailable:
    """Return the error for an exhausted pool."""
    return DatabaseUnavailable(_BUSY, retry_after=1)


def unreachable() -> DatabaseUnavailable:
    """Return the error for a lost or refused connection."""
    return DatabaseUnavailable(_UNREACHABLE, retry_after=2)


def unavailable(error: DBAPIError | psycopg.Error) -> DatabaseUnavailable | None:
    """Convert an error of an unavailable database; return None if the statement itself failed."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, pg.SerializationFailure | pg.DeadlockDetected | pg.LockNotAvailable | pg.QueryCanceled):
        return DatabaseUnavailable(_BUSY, retry_after=1)
    if isinstance(cause, pg.ReadOnlySqlTransaction | pg.DiskFull):
        return DatabaseUnavailable(_READ_ONLY, retry_after=5)
    if isinstance(cause, pg.UndefinedTable | pg.UndefinedColumn | pg.InvalidSchemaName):
        return DatabaseUnavailable(_UNMIGRATED, retry_after=10)
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return unreachable()
    return None
