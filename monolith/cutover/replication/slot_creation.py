"""Creation of a replication slot, which waits for every open transaction that has written."""

import threading
from typing import Final

import psycopg

from monolith.cutover.databases import REPLICATOR, Connection, SchedulingDatabase
from monolith.cutover.replication.requirements import ReplicationRefused

WAIT_SECONDS: Final = 30.0
"""Transactions of the product end within their deadline, which is shorter."""


def create_slot(
    publisher: SchedulingDatabase, db: Connection, name: str, *, wait_seconds: float = WAIT_SECONDS
) -> None:
    """Create a logical replication slot over `db`, a connection to `publisher`.

    Standbys with `sync_replication_slots` keep a copy of it, so that replication survives a failover.

    Raises ReplicationRefused, naming the server processes, when older transactions have not ended after `wait_seconds`.
    """
    watch = _Watch(publisher, db)
    timer = threading.Timer(wait_seconds, watch.cancel)
    timer.start()
    try:
        db.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput', failover => true)", (name,))
    except psycopg.errors.QueryCanceled as error:
        raise ReplicationRefused(
            f"the {publisher.name} server has transactions that were open before and have not ended after "
            f"{wait_seconds:g} s, of server processes {', '.join(map(str, watch.blockers)) or 'unknown'}",
            "end them, as an administrator with `SELECT pg_terminate_backend(PID)`, and repeat the command",
        ) from error
    finally:
        timer.cancel()


class _Watch:
    """Cancels the statement of a connection, after reading whom it waits for."""

    def __init__(self, server: SchedulingDatabase, db: Connection) -> None:
        self._server = server
        self._db = db
        self.blockers: list[int] = []

    def cancel(self) -> None:
        try:
            with self._server.connect(REPLICATOR, statement_seconds=5.0) as other:
                row = other.execute("SELECT pg_blocking_pids(%s)", (self._db.info.backend_pid,)).fetchone()
                self.blockers = row[0] if row else []
        except psycopg.Error:
            self.blockers = []
        self._db.cancel_safe(timeout=5.0)
