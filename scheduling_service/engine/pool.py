"""A bounded stack of connections to one Postgres.

The connection used last is used next, and is the warmest. Taking one that is free costs no lock and no wait: it is the
first thing that every call does.
"""

from collections import deque
from threading import Condition
from typing import Any, Self

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.rows import TupleRow

from contracts.scheduling.context import Deadline
from contracts.scheduling.errors import Unavailable

_OPTIONS = "-c timezone=UTC -c statement_timeout=10000 -c idle_in_transaction_session_timeout=15000"


class Connection(psycopg.Connection[TupleRow]):
    """In autocommit: every transaction begins and ends in the open.

    `reader` is one cursor for the hottest statement: a new cursor has to learn anew how each column is read.
    """

    reader: psycopg.Cursor[TupleRow]

    @classmethod
    def to(cls, url: str) -> Self:
        """Raises psycopg.OperationalError, after at most two seconds."""
        settings: dict[str, Any] = {"prepare_threshold": 0, "tcp_user_timeout": 10_000, "options": _OPTIONS}
        connection = cls.connect(url, autocommit=True, connect_timeout=2, **settings)
        connection.reader = connection.cursor()
        return connection


class Pool:
    """`size` places, each with a connection or none yet. `patience`, in seconds, bounds the wait for a free one."""

    def __init__(self, url: str, size: int, patience: float) -> None:
        self._url = url
        self._patience = patience
        self._places: deque[Connection | None] = deque([None] * size)
        self._returned = Condition()
        self._waiting = 0

    def take(self, deadline: Deadline) -> Connection:
        """Raises Unavailable when none is free in time, or the server cannot be reached. Give it back."""
        try:
            place = self._places.pop()
        except IndexError:
            place = self._wait(deadline.sooner(self._patience))
        if place is not None:
            return place
        try:
            return Connection.to(self._url)
        except BaseException as error:
            self._put(None)
            if isinstance(error, psycopg.OperationalError):
                raise Unavailable("Scheduling's database cannot be reached; nothing was done.") from error
            raise

    def give_back(self, connection: Connection) -> None:
        """One that is broken, closed or left inside a transaction is nothing that the next caller should meet."""
        if connection.pgconn.transaction_status == TransactionStatus.IDLE:
            self._put(connection)
        else:
            connection.close()
            self._put(None)

    def drop_idle(self) -> None:
        """Close the connections that nobody uses."""
        for _ in range(len(self._places)):
            try:
                place = self._places.pop()
            except IndexError:
                return
            if place is not None:
                place.close()
            self._put(None)

    def _put(self, place: Connection | None) -> None:
        if place is None:
            self._places.appendleft(None)
        else:
            self._places.append(place)
        # Whoever waits counted itself before it looked at the places for the last time, so it is not missed here.
        if self._waiting:
            with self._returned:
                self._returned.notify()

    def _wait(self, until: Deadline) -> Connection | None:
        with self._returned:
            self._waiting += 1
            try:
                while True:
                    try:
                        return self._places.pop()
                    except IndexError:
                        if not self._returned.wait(max(0.0, until.remaining())):
                            raise Unavailable("Scheduling is busy; nothing was done.") from None
            finally:
                self._waiting -= 1
