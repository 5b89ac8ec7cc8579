"""A bounded connection pool. The connection released last is acquired next, because its caches are warm."""

import time
from collections import deque
from collections.abc import Callable
from threading import Condition

import psycopg
from psycopg.pq import TransactionStatus

from contracts.chassis.deadline import Deadline
from contracts.scheduling.errors import Unavailable
from scheduling_service.engine.connection import Connection

OnWait = Callable[[float], None]


class Pool:
    """A pool of at most `size` connections. Thread-safe; acquiring a free connection takes no lock.

    Each slot holds a connection, or None if it has not been opened. `timeout`, in seconds, bounds the wait for a slot;
    `on_wait` is called with the seconds of each wait that was necessary.
    """

    def __init__(self, url: str, size: int, timeout: float, on_wait: OnWait = lambda seconds: None) -> None:
        self._url = url
        self._timeout = timeout
        self._on_wait = on_wait
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
        began = time.perf_counter()
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
                self._on_wait(time.perf_counter() - began)
