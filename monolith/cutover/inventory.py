"""The rows of each business in one scheduling database, as the role `scheduling_operator` sees them."""

from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from msgspec import Struct

from contracts.chassis.direct_connection import connect_directly


class BusinessInventory(Struct, frozen=True):
    """The row counts and the lease of a business in one database. Epoch 0: it never had a lease there."""

    lease_active: bool
    lease_epoch: int
    offerings: int
    providers: int
    booked: int
    cancelled: int


def read_inventory(url: str) -> dict[UUID, BusinessInventory]:
    """Return the inventory of the database at `url` (with the operator's credentials). Raises psycopg.Error."""
    with connect_directly(url, autocommit=True, connect_timeout=3, options="-c statement_timeout=30000") as db:
        rows = db.execute(
            """
            SELECT b.business_id, coalesce(l.active AND l.incarnation = (SELECT scheduling.incarnation()), false),
                   coalesce(l.epoch, 0),
                   (SELECT count(*) FROM scheduling.offering o WHERE o.business_id = b.business_id),
                   (SELECT count(*) FROM scheduling.provider p WHERE p.business_id = b.business_id),
                   coalesce(a.booked, 0), coalesce(a.cancelled, 0)
              FROM scheduling.business b
              LEFT JOIN scheduling.lease l USING (business_id)
              LEFT JOIN (SELECT business_id,
                                count(*) FILTER (WHERE status = 'booked') AS booked,
                                count(*) FILTER (WHERE status = 'cancelled') AS cancelled
                           FROM scheduling.appointment GROUP BY business_id) a USING (business_id)
            """
        ).fetchall()
    return {business_id: BusinessInventory(*counts) for business_id, *counts in rows}


class StoredLease(NamedTuple):
    """The lease of a business as one database holds it. One that is not `valid` is void until a recovery."""

    active: bool
    epoch: int
    attempt: int = 0
    valid: bool = True


def read_leases(db: psycopg.Connection[tuple[Any, ...]]) -> dict[UUID, StoredLease]:
    """Return the leases of a database, over a connection of role `scheduling_mover`. Raises psycopg.Error."""
    rows = db.execute(
        """
        SELECT business_id, active, epoch, attempt, incarnation = (SELECT scheduling.incarnation())
          FROM scheduling.lease
        """
    ).fetchall()
    return {business_id: StoredLease(*lease) for business_id, *lease in rows}


def serves(db: psycopg.Connection[tuple[Any, ...]], business_id: UUID, epoch: int) -> bool:
    """Return whether the database accepts writes of the business in this epoch of its ownership.

    Over a connection of role `scheduling_mover`. Raises psycopg.Error.
    """
    row = db.execute(
        """
        SELECT l.active AND l.epoch = %s AND l.incarnation = scheduling.incarnation()
          FROM scheduling.lease l WHERE l.business_id = %s
        """,
        (epoch, business_id),
    ).fetchone()
    return row == (True,)


def count_stored_replies(db: psycopg.Connection[tuple[Any, ...]]) -> int:
    """Return how many replies to writes are stored under their keys, over a connection of role `scheduling_operator`.

    Raises psycopg.Error.
    """
    row = db.execute("SELECT count(*) FROM scheduling.idempotency").fetchone()
    return 0 if row is None else int(row[0])
