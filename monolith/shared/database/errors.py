"""What the database's errors mean to the person who waits for an answer.

DatabaseUnavailable    nothing was done; asking again after `retry_after` seconds may succeed
CommitUnknown          the connection was lost at COMMIT: it may have been done

What a statement itself did wrong (a constraint, a syntax error) stays SQLAlchemy's error: the repository that wrote the
statement knows what it means.
"""

import psycopg
from psycopg import errors as pg
from sqlalchemy.exc import DBAPIError

_BUSY = "The system is busy. Nothing was done; please try again."
_AWAY = "The system cannot reach its database at the moment. Nothing was done; please try again."
_READ_ONLY = "The system does not accept changes at the moment. Nothing was done; please try again later."
_UNMIGRATED = "The system is being set up. Nothing was done; please try again later."
_UNKNOWN = (
    "The connection was lost at the last moment, so this may or may not have been done. Please check, or repeat it."
)


class DatabaseUnavailable(Exception):
    """Nothing was done. `retry_after` is in seconds."""

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
    """All connections of the pool are taken."""
    return DatabaseUnavailable(_BUSY, retry_after=1)


def unavailable(error: DBAPIError | psycopg.Error) -> DatabaseUnavailable | None:
    """What the caller is told when the database could not do its work; None when the statement itself was wrong."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, pg.SerializationFailure | pg.DeadlockDetected | pg.LockNotAvailable | pg.QueryCanceled):
        return DatabaseUnavailable(_BUSY, retry_after=1)
    if isinstance(cause, pg.ReadOnlySqlTransaction | pg.DiskFull):
        return DatabaseUnavailable(_READ_ONLY, retry_after=5)
    if isinstance(cause, pg.UndefinedTable | pg.UndefinedColumn | pg.InvalidSchemaName):
        return DatabaseUnavailable(_UNMIGRATED, retry_after=10)
    if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
        return DatabaseUnavailable(_AWAY, retry_after=2)
    return None
