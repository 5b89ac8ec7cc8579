"""The lease on a business in one database: fence, release, activate.

Each is one transaction that may be repeated or arrive late. An attempt is a number that increases with every cutover of
the business. The lease stores the latest attempt, so that a late fence or release of an earlier one has no effect.

A lease is valid in one incarnation of its server only. After a restore or the promotion of a standby every lease of the
database is void, and no write is accepted, until `confirm` sets it again.

What a cutover calls takes the schema of the leases: another module may have leases of its own, with the same tables and
functions.
"""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg import errors as pg
from psycopg.sql import SQL, Identifier

Connection = psycopg.Connection[tuple[Any, ...]]

SCHEDULING = Identifier("scheduling")

# Functions, since writers wait for both: one round trip each instead of five.
_FENCE = SQL("SELECT fenced_at, lsn FROM {}.fence_business(%s, %s, %s, %s)")
_ACTIVATE = SQL("SELECT is_active, in_epoch, in_attempt FROM {}.activate_lease(%s, %s, %s, %s)")
_WATERMARK = SQL("SELECT 1 FROM {}.fence_mark WHERE business_id = %s AND attempt = %s")
_LEASE = SQL("SELECT active, epoch, attempt FROM {}.lease WHERE business_id = %s")
_RELEASE = SQL(
    """
    UPDATE {}.lease SET active = true, attempt = %(attempt)s
     WHERE business_id = %(business)s AND epoch = %(epoch)s AND attempt <= %(attempt)s
    """
)
_LOCK_HOLDERS = SQL(
    """
    SELECT CASE WHEN l.pid IS NULL THEN 'a prepared transaction (see pg_prepared_xacts)'
                ELSE format('backend %%s of %%s, open for %%s s', l.pid, coalesce(a.usename, 'another role'),
                            coalesce(round(extract(epoch FROM clock_timestamp() - a.xact_start))::text, 'unknown'))
           END
      FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
     WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (l.classid::bigint << 32) | l.objid::bigint = {}.fence_key(%s)
     LIMIT 5
    """
)
_NO_BUSINESS = UUID(int=0)
LONGEST_PAUSE_MS = 3_000
"""The longest time for which `pause_writes` lets writes wait."""


class Lease(NamedTuple):
    """Whether this database may write the business, in which ownership epoch, and the latest cutover attempt.

    `active` is as stored: in another incarnation of the server an active lease is void.
    """

    active: bool
    epoch: int
    attempt: int


class LeaseValidity(NamedTuple):
    """The validity of leases in the present `incarnation` of the server.

    `foreign`: a lease is of another incarnation, and was not voided. `void`: any lease is not valid.
    """

    incarnation: str
    foreign: bool
    void: bool


class Fenced(NamedTuple):
    """A fence. `lsn` is a WAL position shortly before its commit, for the record; the watermark is the proof."""

    fenced_at: datetime
    lsn: str


class WritersStillActive(Exception):
    """Transactions that write the business did not end in time. `writers` describes them."""

    def __init__(self, writers: str) -> None:
        super().__init__(f"transactions that write the business did not end in time: {writers}")
        self.writers = writers


def read_lease(db: Connection, business_id: UUID, *, schema: Identifier = SCHEDULING) -> Lease | None:
    row = db.execute(_LEASE.format(schema), (business_id,)).fetchone()
    return None if row is None else Lease(*row)


def fence(
    db: Connection, business_id: UUID, *, epoch: int, attempt: int, wait_ms: int, schema: Identifier = SCHEDULING
) -> Fenced | None:
    """Deactivate the lease once no writing transaction is open, and write the watermark in the same transaction.

    Repeating the attempt returns the same fence. None if the attempt is void: the lease has another epoch, or a later
    attempt or a release of this one came first. Raises WritersStillActive after `wait_ms`.
    """
    try:
        values = (business_id, epoch, attempt, max(1, wait_ms))
        row = db.execute(_FENCE.format(schema), values, prepare=True).fetchone()
    except pg.LockNotAvailable as error:
        writers = describe_writers(db, business_id, schema=schema) or ["no lock holder was found"]
        raise WritersStillActive("; ".join(writers)) from error
    return None if row is None else Fenced(*row)


def has_watermark(db: Connection, business_id: UUID, attempt: int, *, schema: Identifier = SCHEDULING) -> bool:
    """Return whether this database has received everything that was committed before the attempt's fence."""
    return db.execute(_WATERMARK.format(schema), (business_id, attempt), prepare=True).fetchone() is not None


def release(
    db: Connection, business_id: UUID, *, epoch: int, attempt: int, schema: Identifier = SCHEDULING
) -> Lease | None:
    """Reactivate the lease after an abort, and void a fence of this attempt that arrives later.

    Without effect in a later epoch or attempt. Returns the lease; None if there is none.
    """
    db.execute(_RELEASE.format(schema), {"business": business_id, "epoch": epoch, "attempt": attempt})
    return read_lease(db, business_id, schema=schema)


def activate(
    db: Connection,
    business_id: UUID,
    *,
    epoch: int,
    attempt: int,
    incarnation: str | None = None,
    schema: Identifier = SCHEDULING,
) -> Lease | None:
    """Activate the lease of the decided epoch, once: an epoch that was activated and then fenced stays fenced.

    With `incarnation`, only if the server still has it. Returns the lease; None if there is none.
    """
    values = (business_id, epoch, attempt, incarnation)
    row = db.execute(_ACTIVATE.format(schema), values, prepare=True).fetchone()
    return None if row is None else Lease(*row)


def read_incarnation(db: psycopg.Connection[Any], *, schema: Identifier = SCHEDULING) -> str:
    """Return the incarnation of the server: its system identifier and its timeline. Raises psycopg.Error on a
    standby."""
    row = db.execute(SQL("SELECT {}.incarnation()").format(schema)).fetchone()
    assert row is not None, "the query always returns a row"
    return str(row[0])


def read_validity(db: Connection) -> LeaseValidity:
    """Return whether the leases of the database are valid in the present incarnation of its server."""
    row = db.execute(
        """
        SELECT server.incarnation, coalesce(bool_or(l.incarnation <> 'void'), false), count(l) > 0
          FROM (SELECT scheduling.incarnation()) server
          LEFT JOIN scheduling.lease l ON l.incarnation <> server.incarnation GROUP BY server.incarnation
        """
    ).fetchone()
    assert row is not None, "the query always returns a row"
    return LeaseValidity(*row)


def void_all(db: Connection) -> None:
    """Void every lease of the database: when it returns, no write is open and none begins until `confirm`.

    Waits for open writes, business by business. `db` must be in autocommit mode, outside a transaction.
    """
    db.execute("CALL scheduling.void_leases()")


def pause_writes(db: psycopg.Connection[Any], *, wait_ms: int) -> None:
    """Stop the writes of every business until the open transaction of `db` ends, an administrator's.

    Each write reads the lease before it changes anything. Raises psycopg.errors.LockNotAvailable if open writes do not
    end within `wait_ms`, for which new ones wait too. The server ends the transaction after `LONGEST_PAUSE_MS`, even if
    the process of `db` stands still: writes would wait for it without a limit.
    """
    db.execute("SELECT set_config('lock_timeout', %s, true)", (str(wait_ms),))
    db.execute("SELECT set_config('transaction_timeout', %s, true)", (str(LONGEST_PAUSE_MS),))
    # An administrator that is not a superuser may assume the owner's role.
    db.execute("SET LOCAL ROLE scheduling_owner")
    db.execute("LOCK TABLE scheduling.lease IN ACCESS EXCLUSIVE MODE")
    db.execute("RESET ROLE")


def confirm(db: Connection, business_id: UUID, lease: Lease) -> None:
    """Set the lease as a recovery decided it, valid in the present incarnation of the server. Idempotent."""
    db.execute("SELECT scheduling.confirm_lease(%s, %s, %s, %s)", (business_id, *lease))


def prepare_fence(db: Connection, *, schema: Identifier = SCHEDULING) -> None:
    """Prepare the statements of `fence` in this session, so that writers do not wait for it. Changes nothing."""
    fence(db, _NO_BUSINESS, epoch=0, attempt=0, wait_ms=1_000, schema=schema)


def prepare_activation(db: Connection, *, schema: Identifier = SCHEDULING) -> None:
    """Prepare the statements of `has_watermark` and `activate` in this session. Changes nothing."""
    has_watermark(db, _NO_BUSINESS, 0, schema=schema)
    db.execute(_ACTIVATE.format(schema), (_NO_BUSINESS, 0, 0, None), prepare=True)


def describe_writers(db: Connection, business_id: UUID, *, schema: Identifier = SCHEDULING) -> list[str]:
    """Describe what holds the business's lock: at most five backends, and prepared transactions, which have none."""
    return [row[0] for row in db.execute(_LOCK_HOLDERS.format(schema), (business_id,)).fetchall()]
