"""The outbox as the relay sees it: one connection, which holds the relay's lock while it lives."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString, TypeVar
from uuid import UUID

from psycopg.rows import class_row

from contracts.chassis.credentials import role_url
from contracts.chassis.leadership import Leadership

ROLE = "scheduling_relay"
LOCK = 0x52454C4159  # "RELAY"; advisory locks belong to one database, so each database has one active relay

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutboxRow:
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


class Outbox(Leadership):
    """Every statement is its own transaction: none is open while Redis is spoken to. Raises psycopg.Error."""

    def __init__(self, database_url: str, role_secret: str) -> None:
        url = role_url(database_url, ROLE, role_secret)
        super().__init__(url, LOCK, "scheduling relay", "-c statement_timeout=5000")

    def unpublished(self, limit: int) -> list[OutboxRow]:
        """The oldest rows not yet published. Never those "after a cursor": rows with lower positions may commit
        later. Index outbox_unpublished."""
        return self._read(
            OutboxRow,
            """
            SELECT position, event_id, payload, statement_timestamp() AS published_at
            FROM scheduling.outbox WHERE published_at IS NULL ORDER BY position LIMIT %s
            """,
            (limit,),
        )

    def mark(self, rows: list[OutboxRow], published_at: datetime) -> None:
        """Rows that were published before keep their mark."""
        self._change(
            "UPDATE scheduling.outbox SET published_at = %s WHERE position = ANY(%s) AND published_at IS NULL",
            (published_at, [row.position for row in rows]),
        )

    def published_after(self, moment: datetime | None, limit: int) -> list[OutboxRow]:
        """The first rows published after `moment` (None: ever), whole batches only, by time of publication and
        position. Index outbox_published."""
        rows = self._read(
            OutboxRow,
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
        with self.connection().cursor(row_factory=class_row(into)) as cursor:
            return cursor.execute(statement, values).fetchall()

    def _change(self, statement: LiteralString, values: tuple[object, ...]) -> int:
        return self.connection().execute(statement, values).rowcount
