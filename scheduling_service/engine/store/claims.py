"""Who and what is taken: claims, and the sessions that share them."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from scheduling_service.engine.database import Connection
from scheduling_service.engine.hours import to_utc


def claim_time(
    db: Connection,
    business_id: UUID,
    holder_id: UUID,
    offering_id: UUID,
    resources: Sequence[UUID],
    time: tuple[int, int],
    *,
    expires_at: datetime | None = None,
    overbooked: bool = False,
) -> bool:
    """All of them or none; False when somebody else has one of them at that time. Constraint: claim_no_overlap."""
    row = db.execute(
        "SELECT scheduling.take_time(%s, %s, %s, %s, %s, %s, %s, %s)",
        (
            business_id,
            holder_id,
            offering_id,
            list(resources),
            to_utc(time[0]),
            to_utc(time[1]),
            expires_at,
            overbooked,
        ),
    ).fetchone()
    return row is not None and bool(row[0])


def delete_claims(db: Connection, business_id: UUID, holder_id: UUID) -> None:
    """Index: claim_by_holder."""
    db.execute("DELETE FROM scheduling.claim WHERE business_id = %s AND holder_id = %s", (business_id, holder_id))


def make_claims_permanent(db: Connection, business_id: UUID, holder_id: UUID) -> None:
    """A hold's claims, or a session's, no longer expire. Index: claim_by_holder."""
    db.execute("SELECT scheduling.keep_time(%s, %s)", (business_id, holder_id))


def read_claimed_ids(db: Connection, business_id: UUID, holder_id: UUID) -> set[UUID]:
    """Providers and resources that a holder has. Index: claim_by_holder."""
    rows = db.execute(
        "SELECT resource_id FROM scheduling.claim WHERE business_id = %s AND holder_id = %s", (business_id, holder_id)
    ).fetchall()
    return {row[0] for row in rows}


def open_session(
    db: Connection,
    business_id: UUID,
    session_id: UUID,
    offering_id: UUID,
    provider_id: UUID,
    time: tuple[int, int],
    capacity: int,
    seats: int,
) -> None:
    """Its claims are taken already."""
    db.execute(
        """
        INSERT INTO scheduling.session
               (business_id, session_id, offering_id, provider_id, starts_at, ends_at, capacity, seats_taken)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (business_id, session_id, offering_id, provider_id, to_utc(time[0]), to_utc(time[1]), capacity, seats),
    )


def take_seats(db: Connection, business_id: UUID, session_id: UUID, seats: int, expires_at: datetime | None) -> bool:
    """False when there are not so many left, or no such session any more. The session lasts as long as its longest
    hold; for good (None) once somebody booked. Index: primary key."""
    row = db.execute(
        "SELECT scheduling.take_seats(%s, %s, %s, %s)", (business_id, session_id, seats, expires_at)
    ).fetchone()
    return row is not None and bool(row[0])


def return_seats(db: Connection, business_id: UUID, session_id: UUID, seats: int, appointment_id: UUID) -> None:
    """Of an appointment that ends or moves. When no other is left the session goes, and its claims."""
    db.execute("SELECT scheduling.return_seats(%s, %s, %s, %s)", (business_id, session_id, seats, appointment_id))


def lock_providers_and_resources(db: Connection, business_id: UUID, ids: Sequence[UUID]) -> None:
    """Providers and resources, in ascending order: whoever takes several, or moves, takes turns with the others."""
    wanted = sorted(set(ids))
    for table, key in (("provider", "provider_id"), ("resource", "resource_id")):
        db.execute(
            f"SELECT 1 FROM scheduling.{table} WHERE business_id = %s AND {key} = ANY (%s) "  # noqa: S608
            f"ORDER BY {key} FOR NO KEY UPDATE",
            (business_id, wanted),
        )


def try_lock(
    db: Connection, business_id: UUID, customer_id: UUID | None, offering_id: UUID | None, ids: Sequence[UUID]
) -> bool:
    """Lock what the three functions below lock, without waiting; False when another transaction holds any of it."""
    row = db.execute(
        """
        WITH offering AS (
            SELECT 1 FROM scheduling.offering
             WHERE business_id = %(business)s AND offering_id = %(offering)s FOR NO KEY UPDATE SKIP LOCKED
        ), provider AS (
            SELECT 1 FROM scheduling.provider
             WHERE business_id = %(business)s AND provider_id = ANY (%(ids)s) FOR NO KEY UPDATE SKIP LOCKED
        ), resource AS (
            SELECT 1 FROM scheduling.resource
             WHERE business_id = %(business)s AND resource_id = ANY (%(ids)s) FOR NO KEY UPDATE SKIP LOCKED
        )
        SELECT (SELECT count(*) FROM offering) = num_nonnulls(%(offering)s::uuid)
           AND (SELECT count(*) FROM provider) + (SELECT count(*) FROM resource) = cardinality(%(ids)s)
           AND (%(customer)s::text IS NULL OR pg_try_advisory_xact_lock(
                    hashtext('customer ' || %(business)s::text), hashtext(%(customer)s::text)))
        """,
        {
            "business": business_id,
            "customer": None if customer_id is None else str(customer_id),
            "offering": offering_id,
            "ids": sorted(set(ids)),
        },
    ).fetchone()
    return row is not None and bool(row[0])


def lock_customer(db: Connection, business_id: UUID, customer_id: UUID) -> None:
    """Until the transaction ends, nobody else books under this customer's limits."""
    db.execute(
        "SELECT pg_advisory_xact_lock(hashtext('customer ' || %s::text), hashtext(%s::text))",
        (str(business_id), str(customer_id)),
    )
