"""Hears of changed flags and owners within moments, in every process.

One thread and one connection per process LISTEN to what the database announces at commit. A heartbeat on the same
connection proves every half second that nothing was missed: Postgres delivers notices before it answers. When the
connection is lost, listeners are told that what they know may be old; when it is back, that anything may have changed.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import psycopg

from contracts.chassis.credentials import role_url

HEARTBEAT_SECONDS = 0.5
_RETRY_SECONDS = 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChangeNotice:
    """`table` is `flag` or `ownership`; `business` is its id, or `*` for the default."""

    table: str
    business: str


class ChangeListener:
    """Calls back from its own thread: `changed(notice)`, and `changed(None)` when anything may have changed."""

    def __init__(self, url: str, *, role: str, secret: str) -> None:
        self._url = role_url(url, role, secret)
        self._listeners: list[Callable[[ChangeNotice | None], None]] = []
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.stale = True

    def subscribe(self, changed: Callable[[ChangeNotice | None], None]) -> None:
        """Must come before `start`."""
        self._listeners.append(changed)

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except psycopg.Error as error:
                if not self.stale:
                    _log.warning("lost the database's notices; flags and owners may be old: %s", error)
                self.stale = True
                self._stopped.wait(_RETRY_SECONDS)

    def _listen(self) -> None:
        with psycopg.connect(
            self._url, autocommit=True, connect_timeout=2, application_name="watch", tcp_user_timeout=2000
        ) as db:
            db.execute("LISTEN routes")
            self._tell(None)
            self.stale = False
            while not self._stopped.is_set():
                for notice in db.notifies(timeout=HEARTBEAT_SECONDS):
                    self._tell(_parsed(notice.payload))
                    if self._stopped.is_set():
                        return
                db.execute("SELECT 1")

    def _tell(self, notice: ChangeNotice | None) -> None:
        for changed in self._listeners:
            try:
                changed(notice)
            except Exception:
                _log.exception("a listener failed; it is told again at the next change")
                raise psycopg.OperationalError("a listener failed") from None


def _parsed(payload: str) -> ChangeNotice:
    table, _, business = payload.partition(" ")
    return ChangeNotice(table, business)
