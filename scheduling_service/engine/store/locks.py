"""Locks that a write acquires before it claims time. `engine/LOCKS.md` explains their order.

A lock that is waited for is sent with the next statement, which therefore sees what its last holder committed.
"""

from collections.abc import Collection
from uuid import UUID

from scheduling_service.engine.connection import Statement
from scheduling_service.engine.database import Connection


def lock_customer(db: Connection, business_id: UUID, customer_id: UUID) -> None:
    """Serialize the bookings that count against this customer's limits, by an advisory lock."""
    db.send_later(
        "SELECT pg_advisory_xact_lock(hashtext('customer ' || $1::text), hashtext($2::text))",
        (business_id, customer_id),
    )


def lock_offering(db: Connection, business_id: UUID, offering_id: UUID) -> None:
    """Serialize the bookings for which the offering's assignment chooses a provider. Index: primary key."""
    db.send_later(
        "SELECT 1 FROM scheduling.offering WHERE business_id = $1 AND offering_id = $2 FOR NO KEY UPDATE",
        (business_id, offering_id),
    )


def try_lock_offering(db: Connection, business_id: UUID, offering_id: UUID) -> Statement:
    """Lock the offering unless another transaction holds its lock: then the statement returns no row.

    Sent with the next statement. Index: primary key.
    """
    return db.send_later(
        """
        SELECT 1 FROM scheduling.offering WHERE business_id = $1 AND offering_id = $2
           FOR NO KEY UPDATE SKIP LOCKED
        """,
        (business_id, offering_id),
    )


def lock_providers_and_resources(db: Connection, business_id: UUID, ids: Collection[UUID]) -> None:
    """Lock providers, then resources, each in ascending order of id. Index: primary keys."""
    wanted = sorted(set(ids))
    for table, key in (("provider", "provider_id"), ("resource", "resource_id")):
        db.send_later(
            f"SELECT 1 FROM scheduling.{table} WHERE business_id = $1 AND {key} = ANY ($2) "  # noqa: S608
            f"ORDER BY {key} FOR NO KEY UPDATE",
            (business_id, wanted),
        )


def try_lock(
    db: Connection,
    business_id: UUID,
    customer_ids: Collection[UUID],
    offering_ids: Collection[UUID],
    provider_and_resource_ids: Collection[UUID],
) -> bool:
    """Acquire the locks of the functions above without waiting; False if another transaction holds one of them."""
    row = db.execute(
        """
        WITH offering AS (
            SELECT 1 FROM scheduling.offering
             WHERE business_id = %(business)s AND offering_id = ANY (%(offerings)s::uuid[])
               FOR NO KEY UPDATE SKIP LOCKED
        ), provider AS (
            SELECT 1 FROM scheduling.provider
             WHERE business_id = %(business)s AND provider_id = ANY (%(ids)s::uuid[]) FOR NO KEY UPDATE SKIP LOCKED
        ), resource AS (
            SELECT 1 FROM scheduling.resource
             WHERE business_id = %(business)s AND resource_id = ANY (%(ids)s::uuid[]) FOR NO KEY UPDATE SKIP LOCKED
        )
        SELECT (SELECT count(*) FROM offering) = cardinality(%(offerings)s::uuid[])
           AND (SELECT count(*) FROM provider) + (SELECT count(*) FROM resource) = cardinality(%(ids)s::uuid[])
           AND (SELECT coalesce(bool_and(pg_try_advisory_xact_lock(
                           hashtext('customer ' || %(business)s::text), hashtext(customer))), true)
                  FROM unnest(%(customers)s::text[]) AS customer)
        """,
        {
            "business": business_id,
            "customers": sorted(str(each) for each in customer_ids),
            "offerings": sorted(set(offering_ids)),
            "ids": sorted(set(provider_and_resource_ids)),
        },
    ).fetchone()
    return row is not None and bool(row[0])
