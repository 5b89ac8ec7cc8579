"""Who may write, in one database: fence, release, activate. Each is one transaction, and may be repeated or late.

An attempt is a number that grows with every move of a business; the lease remembers the latest that it heard of, so
that neither a fence nor a release of an earlier move has any effect when it arrives after all.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import errors as pg

Connection = psycopg.Connection[tuple[Any, ...]]


class Lease(NamedTuple):
    active: bool
    epoch: int
    attempt: int


class Fenced(NamedTuple):
    """`lsn`: the database's position right after the fence was committed; for the record, the mark is the proof."""

    fenced_at: datetime
    lsn: str


class WritersStillActive(Exception):
    """Transactions that write the business did not end in time. `who` names them."""

    def __init__(self, who: str) -> None:
        super().__init__(f"transactions that write the business did not end in time: {who}")
        self.who = who


def read_lease(db: Connection, business_id: UUID) -> Lease | None:
    row = db.execute(
        "SELECT active, epoch, attempt FROM scheduling.lease WHERE business_id = %s", (business_id,)
    ).fetchone()
    return None if row is None else Lease(*row)


def fence(db: Connection, business_id: UUID, *, epoch: int, attempt: int, wait_ms: int) -> Fenced | None:
    """Take the lease away, when no transaction that writes the business is open any more; leave the mark behind.

    None when this attempt is not to be: the lease is of another epoch, or a later attempt (or a release of this one)
    was here before. One that was here already is answered with its mark. Raises WritersStillActive after `wait_ms`.
    """
    try:
        with db.transaction():
            db.execute("SELECT set_config('lock_timeout', %s, true)", (str(max(1, wait_ms)),))
            db.execute("SELECT pg_advisory_xact_lock(scheduling.fence_key(%s))", (business_id,))
            # A later statement than the lock's, under READ COMMITTED: it sees what the last writer left.
            taken = db.execute(
                """
                UPDATE scheduling.lease SET active = false, attempt = %(attempt)s
                 WHERE business_id = %(business)s AND epoch = %(epoch)s AND active AND attempt < %(attempt)s
                RETURNING 1
                """,
                {"business": business_id, "epoch": epoch, "attempt": attempt},
            ).fetchone()
            if taken is not None:
                _leave_mark(db, business_id, attempt)
    except pg.LockNotAvailable as error:
        raise WritersStillActive(_holders(db, business_id)) from error
    # Asked for after the commit: what was committed before lies behind it.
    row = db.execute(
        """
        SELECT m.fenced_at, pg_current_wal_lsn()::text
          FROM scheduling.fence_mark m JOIN scheduling.lease l USING (business_id)
         WHERE m.business_id = %s AND m.attempt = %s AND l.attempt = %s AND NOT l.active
        """,
        (business_id, attempt, attempt),
    ).fetchone()
    return None if row is None else Fenced(*row)


def _leave_mark(db: Connection, business_id: UUID, attempt: int) -> None:
    db.execute(
        """
        INSERT INTO scheduling.fence_mark (business_id, attempt, fenced_at) VALUES (%s, %s, clock_timestamp())
            ON CONFLICT (business_id) DO UPDATE SET attempt = excluded.attempt, fenced_at = excluded.fenced_at
        """,
        (business_id, attempt),
    )


def has_watermark(db: Connection, business_id: UUID, attempt: int) -> bool:
    """Whether everything that was committed before this attempt's fence has arrived in this database."""
    row = db.execute(
        "SELECT 1 FROM scheduling.fence_mark WHERE business_id = %s AND attempt = %s", (business_id, attempt)
    ).fetchone()
    return row is not None


def release(db: Connection, business_id: UUID, *, epoch: int, attempt: int) -> Lease | None:
    """Give the lease back after an abort: the business is written here as before, and a fence of this attempt that is
    still under way will find that it is not to be. Without effect in a later epoch or attempt. None: no lease."""
    db.execute(
        """
        UPDATE scheduling.lease SET active = true, attempt = %(attempt)s
         WHERE business_id = %(business)s AND epoch = %(epoch)s AND attempt <= %(attempt)s
        """,
        {"business": business_id, "epoch": epoch, "attempt": attempt},
    )
    return read_lease(db, business_id)


def activate(db: Connection, business_id: UUID, *, epoch: int, attempt: int) -> Lease:
    """Give the lease of the decided epoch, once: an epoch that was active before and fenced since stays fenced."""
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
    assert found is not None, "the row was there when the transaction ended"
    return found


def _holders(db: Connection, business_id: UUID) -> str:
    """Who holds the business's lock: backends, and prepared transactions, which have none."""
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
    return "; ".join(row[0] for row in rows) or "nobody any more"
