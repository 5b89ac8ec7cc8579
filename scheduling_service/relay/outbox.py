"""The outbox as the relay uses it, over one connection that holds the relay's lock while it is open."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import LiteralString, TypeVar
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from contracts.chassis.credentials import role_url
from contracts.chassis.leadership import Leadership

ROLE = "scheduling_relay"
LOCK = 0x52454C4159  # "RELAY" in ASCII. Advisory locks are per database, so each database has one active relay.

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """One event. `published_at` is the time of publication, or the database's clock if it is not published yet."""

    position: int
    event_id: UUID
    payload: bytes
    published_at: datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """The unpublished events. `oldest_seconds` is the age of the oldest, 0 if there is none."""

    rows: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class _Newest:
    published_at: datetime | None


def read_backlog(connection: psycopg.Connection) -> Backlog:
    """Count the unpublished rows, over a connection of role `ROLE`. Index: outbox_unpublished."""
    with connection.cursor(row_factory=class_row(Backlog)) as cursor:
        (backlog,) = cursor.execute(
            """
            SELECT count(*) AS rows,
                   coalesce(extract(epoch FROM now() - min(recorded_at)), 0)::float8 AS oldest_seconds
            FROM scheduling.outbox WHERE published_at IS NULL
            """
        )
    return backlog


class Outbox(Leadership):
    """Every statement is its own transaction, so none is open during a call to Redis. Methods raise psycopg.Error."""

    def __init__(self, direct_url: str, role_secret: str) -> None:
        url = role_url(direct_url, ROLE, role_secret)
        super().__init__(url, LOCK, "scheduling relay", "-c statement_timeout=5000")

    def unpublished(self, limit: int) -> list[OutboxRow]:
        """Return the oldest unpublished rows. Index: outbox_unpublished.

        No cursor is used, because rows with lower positions may commit later.
        """
        return self._read(
            OutboxRow,
            """
            SELECT position, event_id, payload, statement_timestamp() AS published_at
            FROM scheduling.outbox WHERE published_at IS NULL ORDER BY position LIMIT %s
            """,
            (limit,),
        )

    def mark_published(self, rows: list[OutboxRow], published_at: datetime) -> None:
        """Store the time of publication; rows that were published before keep theirs."""
        self._change(
            "UPDATE scheduling.outbox SET published_at = %s WHERE position = ANY(%s) AND published_at IS NULL",
            (published_at, [row.position for row in rows]),
        )

    def published_after(self, moment: datetime | None, limit: int) -> list[OutboxRow]:
        """Return the first rows published after `moment` (None: all), sorted by publication time and position.

        Batches are never split, so the result may exceed `limit`. Index: outbox_published.
        """
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
        """Return the latest time of publication. Index: outbox_published."""
        (newest,) = self._read(_Newest, "SELECT max(published_at) AS published_at FROM scheduling.outbox")
        return newest.published_at

    def backlog(self) -> Backlog:
        """Count the unpublished rows."""
        return read_backlog(self.connection())

    def prune(self, retention: timedelta, limit: int) -> int:
        """Delete rows published longer ago than `retention`, at most `limit`; return their number.

        Meets no lock: rows that are locked are skipped. Index: outbox_published.
        """
        return self._change(
            """
            DELETE FROM scheduling.outbox WHERE position = ANY (ARRAY(
                SELECT position FROM scheduling.outbox
                WHERE published_at < now() - %s ORDER BY published_at LIMIT %s FOR UPDATE SKIP LOCKED))
            """,
            (retention, limit),
        )

    def _read(self, into: type[T], statement: LiteralString, values: tuple[object, ...] = ()) -> list[T]:
        with self.connection().cursor(row_factory=class_row(into)) as cursor:
            return cursor.execute(statement, values).fetchall()

    def _change(self, statement: LiteralString, values: tuple[object, ...]) -> int:
        return self.connection().execute(statement, values).rowcount
