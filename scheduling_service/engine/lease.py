"""The lease on a business in one database: fence, release, activate.

Each is one transaction that may be repeated or arrive late. An attempt is a number that increases with every cutover of
the business. The lease stores the latest attempt, so that a late fence or release of an earlier one has no effect.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import errors as pg

Connection = psycopg.Connection[tuple[Any, ...]]


class Lease(NamedTuple):
    """Whether this database may write the business, in which ownership epoch, and the latest cutover attempt."""

    active: bool
    epoch: int
    attempt: int


class Fenced(NamedTuple):
    """A fence. `lsn` is the WAL position right after its commit, for the record; the watermark is the proof."""

    fenced_at: datetime
    lsn: str


class WritersStillActive(Exception):
    """Transactions that write the business did not end in time. `writers` describes them."""

    def __init__(self, writers: str) -> None:
        super().__init__(f"transactions that write the business did not end in time: {writers}")
        self.writers = writers


def read_lease(db: Connection, business_id: UUID) -> Lease | None:
    row = db.execute(
        "SELECT active, epoch, attempt FROM scheduling.lease WHERE business_id = %s", (business_id,)
    ).fetchone()
    return None if row is None else Lease(*row)


def fence(db: Connection, business_id: UUID, *, epoch: int, attempt: int, wait_ms: int) -> Fenced | None:
    """Deactivate the lease once no writing transaction is open, and write the watermark in the same transaction.

    Repeating the attempt returns the same fence. None if the attempt is void: the lease has another epoch, or a later
    attempt or a release of this one came first. Raises WritersStillActive after `wait_ms`.
    """
    try:
        with db.transaction():
            db.execute("SELECT set_config('lock_timeout', %s, true)", (str(max(1, wait_ms)),))
            db.execute("SELECT pg_advisory_xact_lock(scheduling.fence_key(%s))", (business_id,))
            # Under READ COMMITTED, a statement after the lock's sees what the last writer committed.
            deactivated = db.execute(
                """
                UPDATE scheduling.lease SET active = false, attempt = %(attempt)s
                 WHERE business_id = %(business)s AND epoch = %(epoch)s AND active AND attempt < %(attempt)s
                RETURNING 1
                """,
                {"business": business_id, "epoch": epoch, "attempt": attempt},
            ).fetchone()
            if deactivated is not None:
                _write_watermark(db, business_id, attempt)
    except pg.LockNotAvailable as error:
        raise WritersStillActive(_describe_lock_holders(db, business_id)) from error
    # The position is read after the commit, so everything committed before the fence precedes it.
    row = db.execute(
        """
        SELECT m.fenced_at, pg_current_wal_lsn()::text
          FROM scheduling.fence_mark m JOIN scheduling.lease l USING (business_id)
         WHERE m.business_id = %s AND m.attempt = %s AND l.attempt = %s AND NOT l.active
        """,
        (business_id, attempt, attempt),
    ).fetchone()
    return None if row is None else Fenced(*row)


def has_watermark(db: Connection, business_id: UUID, attempt: int) -> bool:
    """Return whether this database has received everything that was committed before the attempt's fence."""
    row = db.execute(
        "SELECT 1 FROM scheduling.fence_mark WHERE business_id = %s AND attempt = %s", (business_id, attempt)
    ).fetchone()
    return row is not None


def release(db: Connection, business_id: UUID, *, epoch: int, attempt: int) -> Lease | None:
    """Reactivate the lease after an abort, and void a fence of this attempt that arrives later.

    Without effect in a later epoch or attempt. Returns the lease; None if there is none.
    """
    db.execute(
        """
        UPDATE scheduling.lease SET active = true, attempt = %(attempt)s
         WHERE business_id = %(business)s AND epoch = %(epoch)s AND attempt <= %(attempt)s
        """,
        {"business": business_id, "epoch": epoch, "attempt": attempt},
    )
    return read_lease(db, business_id)


def activate(db: Connection, business_id: UUID, *, epoch: int, attempt: int) -> Lease:
    """Activate the lease of the decided epoch, once: an epoch that was activated and then fenced stays fenced."""
    with db.transaction():
        db.execute("SELECT pg_advisory_xact_lock(scheduling.fence_key(%s))", (business_id,))
        db.execute(
            """
            INSERT INTO scheduling.lease (business_id, active, epoch, attempt)
            VALUES (%(business)s, true, %(epoch)s, %(attempt)s)
                ON CONFLICT (business_id)
                DO UPDATE SET active = true, epoch = excluded.epoch, attempt = excluded.attempt
             WHERE lease.epoch < excluded.epoch
            """,
            {"business": business_id, "epoch": epoch, "attempt": attempt},
        )
    found = read_lease(db, business_id)
    assert found is not None, "the transaction inserted or found the row"
    return found


def _write_watermark(db: Connection, business_id: UUID, attempt: int) -> None:
    db.execute(
        """
        INSERT INTO scheduling.fence_mark (business_id, attempt, fenced_at) VALUES (%s, %s, clock_timestamp())
            ON CONFLICT (business_id) DO UPDATE SET attempt = excluded.attempt, fenced_at = excluded.fenced_at
        """,
        (business_id, attempt),
    )


def _describe_lock_holders(db: Connection, business_id: UUID) -> str:
    """Describe what holds the business's lock: backends, and prepared transactions, which have no backend."""
    rows = db.execute(
        """
        SELECT CASE WHEN l.pid IS NULL THEN 'a prepared transaction (see pg_prepared_xacts)'
                    ELSE format('backend %%s of %%s, open for %%s s', l.pid, coalesce(a.usename, 'another role'),
                                coalesce(round(extract(epoch FROM clock_timestamp() - a.xact_start))::text, 'unknown'))
               END
          FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND (l.classid::bigint << 32) | l.objid::bigint = scheduling.fence_key(%s)
         LIMIT 5
        """,
        (business_id,),
    ).fetchall()
    return "; ".join(row[0] for row in rows) or "no lock holder was found"
