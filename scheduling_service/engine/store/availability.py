"""The statement that reads occupied time, for a search and for a booking before it decides."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from scheduling_service.engine.connection import Statement
from scheduling_service.engine.database import Connection

_CLAIMS = "SELECT scheduling.read_claims($1::uuid, $2::uuid[], $3::bigint, $4::bigint, $5::int)"
_CLAIMS_WITH_DETAILS = """
    SELECT scheduling.read_claims(%(business)s::uuid, %(resources)s::uuid[], %(start)s, %(end)s, %(budget_ms)s::int),
           CASE WHEN %(sessions)s THEN
               scheduling.read_sessions(%(business)s::uuid, %(offering)s::uuid, %(providers)s::uuid[],
                                        %(start)s, %(end)s) END,
           CASE WHEN %(counts)s THEN
               scheduling.read_counts(%(business)s::uuid, %(offering)s::uuid, %(providers)s::uuid[], %(customer)s::uuid,
                                      %(zone)s, %(count_start)s, %(count_end)s, %(excluding)s::uuid,
                                      %(collective)s) END
"""


class DetailQuery(NamedTuple):
    """The details to read in addition to claims, for an offering with seats or limits."""

    offering_id: UUID
    providers: Sequence[UUID]
    sessions: bool
    counts: tuple[int, int] | None
    """The window in which appointments are counted, in seconds since 1970."""
    customer_id: UUID | None
    collective: bool
    """Whether an appointment counts for every provider that takes part in it, not only its first one."""
    zone: str


def read_claims(
    db: Connection,
    business_id: UUID,
    resources: Sequence[UUID],
    window: tuple[int, int],
    budget_ms: int | None,
) -> bytes | None:
    """Return the bytes of `scheduling.read_claims`; None if there is no such business. Index: claim_by_time.

    With `budget_ms` the statement is its own transaction, otherwise it is part of the open one.
    """
    return db.read_bytes(_CLAIMS, (business_id, _array(resources), *window, budget_ms))


def read_claims_later(
    db: Connection, business_id: UUID, resources: Sequence[UUID], window: tuple[int, int]
) -> Statement:
    """Queue `read_claims` in the open transaction; sent with the next statement. Index: claim_by_time."""
    return db.send_later(_CLAIMS, (business_id, _array(resources), *window, None))


def read_claims_with_details(
    db: Connection,
    business_id: UUID,
    resources: Sequence[UUID],
    window: tuple[int, int],
    details: DetailQuery,
    *,
    excluding: UUID | None,
    budget_ms: int | None,
) -> tuple[bytes | None, list[list[Any]], list[list[int]]]:
    """Return claims, and the rows of `scheduling.read_sessions` and `scheduling.read_counts`, from one statement.

    Counts leave out the appointment `excluding`.
    """
    counted = details.counts or window
    row = db.execute(
        _CLAIMS_WITH_DETAILS,
        {
            "business": str(business_id),
            "resources": _array(resources),
            "start": window[0],
            "end": window[1],
            "budget_ms": budget_ms,
            "excluding": None if excluding is None else str(excluding),
            "offering": str(details.offering_id),
            "providers": _array(details.providers),
            "sessions": details.sessions,
            "counts": details.counts is not None,
            "customer": None if details.customer_id is None else str(details.customer_id),
            "collective": details.collective,
            "zone": details.zone,
            "count_start": counted[0],
            "count_end": counted[1],
        },
        binary=True,
    ).fetchone()
    assert row is not None
    claims, sessions, counts = row
    return claims, sessions or [], counts or []


def _array(ids: Sequence[UUID]) -> str:
    """Format ids as the text of an array, which psycopg's C code adapts; this is the most frequent statement."""
    return f"{{{','.join(map(str, ids))}}}"
