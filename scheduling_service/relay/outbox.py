"""The outbox as the relay sees it: one connection, which holds the relay's lock while it lives."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, LiteralString, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from scheduling_service.credentials import role_url

ROLE = "scheduling_relay"
LOCK = 0x52454C4159  # "RELAY"; advisory locks belong to one database, so each database has one active relay

# A connection that dies without a word is noticed within seconds, by the server too, which then frees the lock.
_CONNECTION: dict[str, Any] = {
    "connect_timeout": 2,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 5000,
    "application_name": "scheduling relay",
    "options": "-c timezone=UTC -c statement_timeout=5000 -c tcp_keepalives_idle=2 -c tcp_keepalives_interval=1"
    " -c tcp_keepalives_count=3 -c tcp_user_timeout=5000",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One event. `published_at` is when it was published, or the database's clock for one that was not yet."""

    position: int
    event_id: UUID
    payload: bytes
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits to be published. `oldest_seconds` is the age of the oldest, 0 when there is none."""

    rows: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class _Newest:
    published_at: datetime | None


class Outbox:
    """Every statement is its own transaction: none is open while Redis is spoken to. Raises psycopg.Error."""

    def __init__(self, database_url: str, role_secret: str) -> None:
        self._url = role_url(database_url, ROLE, role_secret)
        self._connection: psycopg.Connection | None = None

    @property
    def leads(self) -> bool:
        """Whether this relay was the active one when it last looked."""
        return self._connection is not None

    def try_to_lead(self) -> bool:
        """Become the active relay of this database, unless another one is."""
        connection = psycopg.connect(self._url, autocommit=True, **_CONNECTION)
        if connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() == (True,):
            self._connection = connection
        else:
            connection.close()
        return self.leads

    def close(self) -> None:
        """Let go of the lock, and of a connection that may be broken."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def unpublished(self, limit: int) -> list[Row]:
        """The oldest rows not yet published. Never those "after a cursor": rows with lower positions may commit
        later. Index outbox_unpublished."""
        return self._read(
            Row,
            """
            SELECT position, event_id, payload, statement_timestamp() AS published_at
            FROM scheduling.outbox WHERE published_at IS NULL ORDER BY position LIMIT %s
            """,
            (limit,),
        )

    def mark(self, rows: list[Row], published_at: datetime) -> None:
        """Rows that were published before keep their mark."""
        self._change(
            "UPDATE scheduling.outbox SET published_at = %s WHERE position = ANY(%s) AND published_at IS NULL",
            (published_at, [row.position for row in rows]),
        )

    def published_after(self, moment: datetime | None, limit: int) -> list[Row]:
        """The first rows published after `moment` (None: ever), whole batches only, by time of publication and
        position. Index outbox_published."""
        rows = self._read(
            Row,
            """
            SELECT position, event_id, payload, published_at FROM scheduling.outbox
            WHERE published_at > coalesce(%s, '-infinity'::timestamptz)
            ORDER BY published_at FETCH FIRST %s ROWS WITH TIES
            """,
            (moment, limit),
        )
        return sorted(rows, key=lambda row: (row.published_at, row.position))

    def newest_published(self) -> datetime | None:
        """Index outbox_published."""
        (newest,) = self._read(_Newest, "SELECT max(published_at) AS published_at FROM scheduling.outbox")
        return newest.published_at

    def backlog(self) -> Backlog:
        """Index outbox_unpublished."""
        (backlog,) = self._read(
            Backlog,
            """
            SELECT count(*) AS rows,
                   coalesce(extract(epoch FROM now() - min(recorded_at)), 0)::float8 AS oldest_seconds
            FROM scheduling.outbox WHERE published_at IS NULL
            """,
        )
        return backlog

    def prune(self, retention: timedelta, limit: int) -> int:
        """Delete the oldest rows published longer ago than `retention`; answers how many. Index outbox_published."""
        return self._change(
            """
            DELETE FROM scheduling.outbox WHERE position IN (
                SELECT position FROM scheduling.outbox
                WHERE published_at < now() - %s ORDER BY published_at LIMIT %s)
            """,
            (retention, limit),
        )

    def _read(self, into: type[T], statement: LiteralString, values: tuple[object, ...] = ()) -> list[T]:
        with self._leading().cursor(row_factory=class_row(into)) as cursor:
            return cursor.execute(statement, values).fetchall()

    def _change(self, statement: LiteralString, values: tuple[object, ...]) -> int:
        return self._leading().execute(statement, values).rowcount

    def _leading(self) -> psycopg.Connection:
        if self._connection is None:
            raise psycopg.OperationalError("this relay does not lead")
        return self._connection
