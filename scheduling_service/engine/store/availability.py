"""What is taken: one statement for a search, and the same one for a booking before it decides."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from scheduling_service.engine.database import Connection

_CLAIMS = "SELECT scheduling.read_claims($1::uuid, $2::uuid[], $3::bigint, $4::bigint, $5::int)"
_FULL = """
    SELECT scheduling.read_claims(%(business)s::uuid, %(resources)s::uuid[], %(start)s, %(end)s, %(budget_ms)s::int),
           CASE WHEN %(sessions)s THEN
               scheduling.read_sessions(%(business)s::uuid, %(offering)s::uuid, %(providers)s::uuid[],
                                        %(start)s, %(end)s) END,
           CASE WHEN %(counts)s THEN
               scheduling.read_counts(%(business)s::uuid, %(offering)s::uuid, %(providers)s::uuid[], %(customer)s::uuid,
                                      %(zone)s, %(count_start)s, %(count_end)s, %(excluding)s::uuid,
                                      %(together)s) END
"""


class DetailQuery(NamedTuple):
    """What an offering with seats, limits or resources needs to know besides."""

    offering_id: UUID
    providers: Sequence[UUID]
    sessions: bool
    counts: tuple[int, int] | None
    """The window in which appointments are counted, in seconds since 1970."""
    customer_id: UUID | None
    together: bool
    """The providers are asked for as one, and so is what any of them counts."""
    zone: str


def read_claims(
    db: Connection,
    business_id: UUID,
    resources: Sequence[UUID],
    window: tuple[int, int],
    budget_ms: int | None,
) -> bytes | None:
    """As `scheduling.read_claims` writes it; None when there is no such business. Index: claim_by_time.

    With `budget_ms` it is a transaction of its own; excluding, part of the one that is open.
    """
    return db.read_bytes(_CLAIMS, (business_id, _array(resources), *window, budget_ms))


def read_claims_with_details(
    db: Connection,
    business_id: UUID,
    resources: Sequence[UUID],
    window: tuple[int, int],
    around: DetailQuery,
    *,
    excluding: UUID | None,
    budget_ms: int | None,
) -> tuple[bytes | None, list[list[Any]], list[list[int]]]:
    """The same with sessions and counts, as `read_sessions` and `read_counts` write them; still one statement.

    `excluding` is an appointment that is not counted.
    """
    counted = around.counts or window
    row = db.execute(
        _FULL,
        {
            "business": str(business_id),
            "resources": _array(resources),
            "start": window[0],
            "end": window[1],
            "budget_ms": budget_ms,
            "excluding": None if excluding is None else str(excluding),
            "offering": str(around.offering_id),
            "providers": _array(around.providers),
            "sessions": around.sessions,
            "counts": around.counts is not None,
            "customer": None if around.customer_id is None else str(around.customer_id),
            "together": around.together,
            "zone": around.zone,
            "count_start": counted[0],
            "count_end": counted[1],
        },
        binary=True,
    ).fetchone()
    assert row is not None
    claims, sessions, counts = row
    return claims, sessions or [], counts or []


def _array(ids: Sequence[UUID]) -> str:
    """Ids go as text, which psycopg's compiled half makes into a parameter: this is the hottest statement there is."""
    return f"{{{','.join(map(str, ids))}}}"
