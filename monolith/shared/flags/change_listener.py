"""Notification of every process when flags, owners or businesses change, within moments.

One thread and connection per process LISTENs for notices, which Postgres sends at commit. A heartbeat on the same
connection every two seconds proves that none was missed, since Postgres delivers notices before replies. While the
connection is lost, `stale` is true; when it is back, subscribers receive a notice that anything may have changed.
"""

import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from selectors import EVENT_READ, DefaultSelector

import psycopg

from contracts.chassis.credentials import role_url
from contracts.chassis.direct_connection import connect_directly

HEARTBEAT_SECONDS = 2.0
LONGEST_SILENCE_SECONDS = 5.0
"""After this time without an answered heartbeat, notices may be missing."""

_RETRY_SECONDS = 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChangeNotice:
    """A committed change. `table` is the changed table; `business` is the business id, or `*` for the default."""

    table: str
    business: str


class ChangeListener:
    """Calls subscribers from its own thread; the notice is None if anything may have changed.

    `url` must not lead to a pooler, which would forget to LISTEN.
    """

    def __init__(self, url: str, *, role: str, secret: str) -> None:
        self._url = role_url(url, role, secret)
        self._subscribers: list[Callable[[ChangeNotice | None], None]] = []
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._stop_reader, self._stop_writer = socket.socketpair()
        self._confirmed_at = 0.0
        self.stale = True

    def is_current(self) -> bool:
        """Return whether no notice is missing, except of changes in the last `LONGEST_SILENCE_SECONDS`."""
        return not self.stale and time.monotonic() - self._confirmed_at < LONGEST_SILENCE_SECONDS

    def subscribe(self, subscriber: Callable[[ChangeNotice | None], None]) -> None:
        """Add a subscriber. Call this before `start`."""
        self._subscribers.append(subscriber)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop the thread at once. Idempotent."""
        if self._stopped.is_set():
            return
        self._stopped.set()
        self._stop_writer.send(b".")
        if self._thread is not None:
            self._thread.join(timeout=5)
        self._stop_reader.close()
        self._stop_writer.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                if not self.stale:
                    _log.warning("lost the connection for change notices; cached values may be stale: %s", error)
                self.stale = True
                self._stopped.wait(_RETRY_SECONDS)

    def _listen(self) -> None:
        with (
            connect_directly(
                self._url, autocommit=True, connect_timeout=2, application_name="watch", tcp_user_timeout=2000
            ) as db,
            DefaultSelector() as selector,
        ):
            selector.register(db.fileno(), EVENT_READ)
            selector.register(self._stop_reader, EVENT_READ)
            asked_at = time.monotonic()
            db.execute("LISTEN routes")
            self._notify(None)
            self._confirmed_at = asked_at
            self.stale = False
            while not self._stopped.is_set():
                # psycopg's own wait for notices wakes ten times a second.
                notified = selector.select(HEARTBEAT_SECONDS)
                asked_at = time.monotonic()
                if not notified or asked_at - self._confirmed_at >= HEARTBEAT_SECONDS:
                    db.execute("SELECT 1")
                    self._confirmed_at = asked_at
                for notice in db.notifies(timeout=0):
                    self._notify(_parsed(notice.payload))
                    if self._stopped.is_set():
                        return

    def _notify(self, notice: ChangeNotice | None) -> None:
        for subscriber in self._subscribers:
            try:
                subscriber(notice)
            except Exception:
                _log.exception("a subscriber failed; reconnecting to notify all subscribers again")
                raise psycopg.OperationalError("a subscriber failed") from None


def _parsed(payload: str) -> ChangeNotice:
    table, _, business = payload.partition(" ")
    return ChangeNotice(table, business)
