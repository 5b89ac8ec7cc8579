"""Mark one point in all databases at which they agree.

Every write of scheduling reads the lease, so a lock on the tables of leases stops all of them, in both topologies, for
the milliseconds that the restore points take. Accounts and invoices go on: what they add between two points cannot
refer to a booking that does not exist yet.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import psycopg

from contracts.scheduling.values import DatabaseName
from deploy.errors import CommandError
from scheduling_service.engine.lease import LONGEST_PAUSE_MS, pause_writes

Connection = psycopg.Connection[tuple[object, ...]]
_LOCK_TIMEOUT_MS = 500
"""Writes queue behind a lock that waits for an open transaction."""
_ATTEMPTS = 20
_PAUSE_SECONDS = 0.5


class ConsistentPoint(NamedTuple):
    """The WAL position of the point in each database, and how long writes waited, in milliseconds."""

    lsn: Mapping[DatabaseName, str]
    paused_ms: float


def mark_point(dbs: Mapping[DatabaseName, Connection], point: str) -> ConsistentPoint:
    """Create the restore point `point` in all databases while no write of scheduling is open.

    `dbs` are administrators' connections in autocommit mode. Raises CommandError when writes do not end in time.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _mark(dbs, point)
        except psycopg.errors.LockNotAvailable:
            time.sleep(_PAUSE_SECONDS * (attempt < _ATTEMPTS - 1))
        except psycopg.Error as error:
            if not any(db.closed for db in dbs.values()):
                raise
            raise CommandError(
                f"a database ended the point after {LONGEST_PAUSE_MS / 1000:g} s, because scheduling's writes waited "
                "for it: this process, or its connection, stood still; repeat the command"
            ) from error
    raise CommandError(
        f"scheduling's writes did not pause within {_LOCK_TIMEOUT_MS} ms in {_ATTEMPTS} attempts: "
        "end long transactions (see pg_stat_activity), then repeat the command"
    )


def _mark(dbs: Mapping[DatabaseName, Connection], point: str) -> ConsistentPoint:
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        for db in dbs.values():
            stack.enter_context(_no_writes(db))
        lsn = {name: _restore_point(db, point) for name, db in dbs.items()}
    return ConsistentPoint(lsn, round((time.monotonic() - began) * 1000, 1))


@contextlib.contextmanager
def _no_writes(db: Connection) -> Iterator[None]:
    with db.transaction():
        pause_writes(db, wait_ms=_LOCK_TIMEOUT_MS)
        yield


def _restore_point(db: Connection, point: str) -> str:
    try:
        row = db.execute("SELECT pg_create_restore_point(%s)::text", (point,)).fetchone()
    except psycopg.errors.InsufficientPrivilege as error:
        raise CommandError(
            f"{db.info.user} may not create a restore point: as a superuser, run "
            f"`GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO {db.info.user}` in {db.info.dbname}"
        ) from error
    assert row is not None, "the function returns a position"
    return str(row[0])
