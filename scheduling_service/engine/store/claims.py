"""Claims on the time of providers and resources, and the sessions whose seats share a claim."""

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
    """Claim all of these providers and resources, or none; False if one is already claimed at that time.

    Constraint: claim_no_overlap.
    """
    row = db.query_row(
        "SELECT scheduling.take_time($1, $2, $3, $4, $5, $6, $7, $8)",
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
    )
    return row is not None and bool(row[0])


def delete_claims(db: Connection, business_id: UUID, holder_id: UUID) -> None:
    """Delete all claims of a holder; sent with the next statement. Index: claim_by_holder."""
    db.send_later("DELETE FROM scheduling.claim WHERE business_id = $1 AND holder_id = $2", (business_id, holder_id))


def make_claims_permanent(db: Connection, business_id: UUID, holder_id: UUID) -> None:
    """Remove the expiry from the claims of a hold or session; sent with the next statement. Index: claim_by_holder."""
    db.send_later("SELECT scheduling.keep_time($1, $2)", (business_id, holder_id))


def extend_claims(db: Connection, business_id: UUID, holder_id: UUID, until: datetime) -> None:
    """Extend the expiry of the claims of a hold or session; sent with the next statement. Index: claim_by_holder.

    Locks the session's row first, as taking and returning seats does. A session's claims expire with its longest hold.
    """
    db.send_later(
        "SELECT 1 FROM scheduling.session WHERE business_id = $1 AND session_id = $2 FOR NO KEY UPDATE",
        (business_id, holder_id),
    )
    db.send_later(
        """
        UPDATE scheduling.claim
           SET expires_at = greatest(expires_at, $3)
         WHERE business_id = $1 AND holder_id = $2 AND expires_at IS NOT NULL
        """,
        (business_id, holder_id, until),
    )


def read_claimed_ids(db: Connection, business_id: UUID, holder_id: UUID) -> set[UUID]:
    """Return the providers and resources that a holder has claimed. Index: claim_by_holder."""
    rows = db.execute(
        "SELECT resource_id FROM scheduling.claim WHERE business_id = %s AND holder_id = %s", (business_id, holder_id)
    ).fetchall()
    return {row[0] for row in rows}


def insert_session(
    db: Connection,
    business_id: UUID,
    session_id: UUID,
    offering_id: UUID,
    provider_id: UUID,
    time: tuple[int, int],
    capacity: int,
    seats: int,
) -> None:
    """Insert a session whose time is already claimed; sent with the next statement."""
    db.send_later(
        """
        INSERT INTO scheduling.session
               (business_id, session_id, offering_id, provider_id, starts_at, ends_at, capacity, seats_taken)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        (business_id, session_id, offering_id, provider_id, to_utc(time[0]), to_utc(time[1]), capacity, seats),
    )


def take_seats(db: Connection, business_id: UUID, session_id: UUID, seats: int, expires_at: datetime | None) -> bool:
    """Take seats of a session; False if too few are left or the session no longer exists. Index: primary key.

    The session's claims expire with its longest hold; with `expires_at` None they become permanent.
    """
    row = db.query_row("SELECT scheduling.take_seats($1, $2, $3, $4)", (business_id, session_id, seats, expires_at))
    return row is not None and bool(row[0])


def return_seats(db: Connection, business_id: UUID, session_id: UUID, seats: int, appointment_id: UUID) -> None:
    """Return the seats of an appointment that ends or moves; delete the session and its claims if it was the last.

    Sent with the next statement.
    """
    db.send_later("SELECT scheduling.return_seats($1, $2, $3, $4)", (business_id, session_id, seats, appointment_id))
