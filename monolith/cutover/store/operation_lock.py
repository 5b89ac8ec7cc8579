"""One operator at a time starts, stops or ends replication: an advisory lock in the monolith's database."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from psycopg import errors as pg

from monolith.cutover.databases import Connection

_OPERATION_LOCK = 0x4F5045524154494F  # "OPERATIO"
_WAIT = "2s"
"""An operation that is just ending, and the session of a killed process, are waited for."""


class OperationLocked(Exception):
    """Another process holds the lock. `holder` describes its operation."""

    def __init__(self, holder: str) -> None:
        super().__init__(f"the lock is held by {holder}")
        self.holder = holder


@contextmanager
def operation_lock(control_db: Connection, operation: str, actor: str) -> Iterator[None]:
    """Hold the lock within the block, over a connection that nothing else uses. Raises OperationLocked.

    The name of the session identifies the holder. The lock ends with the session: a process that was paused
    for long, or cut off, may have lost it without noticing, so that deletions have checks of their own.
    """
    control_db.execute(
        """
        SELECT set_config('application_name', %s, false), set_config('lock_timeout', %s, false),
               set_config('idle_session_timeout', '0', false),
               -- Notice within seconds that the machine of the holder is gone.
               set_config('tcp_keepalives_idle', '5', false), set_config('tcp_keepalives_interval', '2', false),
               set_config('tcp_keepalives_count', '3', false)
        """,
        (f"{operation} by {actor} (process {os.getpid()})", _WAIT),
    )
    try:
        control_db.execute("SELECT pg_advisory_lock(%s)", (_OPERATION_LOCK,))
    except pg.LockNotAvailable as error:
        raise OperationLocked(_describe_holder(control_db)) from error
    try:
        yield
    finally:
        # The end of the session releases it too.
        with suppress(psycopg.Error):
            control_db.execute("SELECT pg_advisory_unlock(%s)", (_OPERATION_LOCK,))


def _describe_holder(control_db: Connection) -> str:
    row = control_db.execute(
        """
        SELECT format('%%s, from %%s since %%s UTC',
                      a.application_name, coalesce(host(a.client_addr), 'the server itself'),
                      to_char(a.backend_start AT TIME ZONE 'UTC', 'HH24:MI:SS'))
          FROM pg_locks l JOIN pg_stat_activity a USING (pid)
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND (l.classid::bigint << 32) | l.objid::bigint = %s
        """,
        (_OPERATION_LOCK,),
    ).fetchone()
    return "an operation that has just ended" if row is None else str(row[0])
