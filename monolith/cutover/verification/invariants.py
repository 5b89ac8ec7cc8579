"""Invariants of a business's rows in one database."""

from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from monolith.cutover.databases import Connection
from monolith.cutover.verification.throttle import DATABASE_SHARE, ComparisonThrottle

_MAX_LISTED = 5
_CHUNK_ROWS: Final = 4_000
_FIRST, _LAST = UUID(int=0), UUID(int=2**128 - 1)


class _Invariant(NamedTuple):
    """One invariant, checked in chunks of related rows.

    `next` finds the key at which a chunk of `rows` rows ends. `violations` selects the ids that violate the invariant
    in the chunk after `after` up to `upto`, to be inserted into `message`.
    """

    message: str
    next: LiteralString
    violations: LiteralString


_NEXT_RESOURCE: LiteralString = """
    SELECT resource_id FROM scheduling.claim WHERE business_id = %(business)s AND resource_id > %(after)s
     ORDER BY resource_id OFFSET %(rows)s LIMIT 1
"""
_NEXT_PROVIDER: LiteralString = """
    SELECT provider_id FROM scheduling.appointment WHERE business_id = %(business)s AND provider_id > %(after)s
       AND status NOT IN ('cancelled', 'declined', 'expired') ORDER BY provider_id OFFSET %(rows)s LIMIT 1
"""
_NEXT_SESSION: LiteralString = """
    SELECT provider_id FROM scheduling.session WHERE business_id = %(business)s AND provider_id > %(after)s
     ORDER BY provider_id OFFSET %(rows)s LIMIT 1
"""
_NEXT_APPOINTMENT: LiteralString = """
    SELECT appointment_id FROM scheduling.appointment WHERE business_id = %(business)s AND appointment_id > %(after)s
     ORDER BY appointment_id OFFSET %(rows)s LIMIT 1
"""

_INVARIANTS = (
    _Invariant(
        "two claims on {} overlap",
        _NEXT_RESOURCE,
        """
        SELECT DISTINCT a.resource_id::text
          FROM (SELECT c.resource_id, c.starts_at,
                       max(c.ends_at) OVER (PARTITION BY c.resource_id ORDER BY c.starts_at, c.holder_id
                                            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS taken_until
                  FROM scheduling.claim c
                 WHERE c.business_id = %(business)s AND c.resource_id > %(after)s AND c.resource_id <= %(upto)s
                   AND NOT c.overbooked) AS a
         WHERE a.starts_at < a.taken_until
        """,
    ),
    _Invariant(
        "session {}: seats taken differ from the seats of its appointments",
        _NEXT_SESSION,
        """
        SELECT s.session_id::text
          FROM scheduling.session s
          LEFT JOIN scheduling.appointment a
                 ON a.business_id = s.business_id AND a.session_id = s.session_id AND NOT a.overbooked
                AND a.status IN ('held', 'pending', 'booked', 'completed', 'no_show')
                AND a.provider_id > %(after)s AND a.provider_id <= %(upto)s
         WHERE s.business_id = %(business)s AND s.provider_id > %(after)s AND s.provider_id <= %(upto)s
         GROUP BY s.session_id, s.seats_taken, s.capacity
        HAVING s.seats_taken <> coalesce(sum(a.seats), 0) OR s.seats_taken > s.capacity
        """,
    ),
    _Invariant(
        "appointment {} is active and has no claim on its provider's time",
        _NEXT_PROVIDER,
        """
        SELECT a.appointment_id::text
          FROM scheduling.appointment a
         WHERE a.business_id = %(business)s AND a.provider_id > %(after)s AND a.provider_id <= %(upto)s
           AND a.status IN ('held', 'pending', 'booked') AND NOT a.overbooked
           AND NOT EXISTS (
               SELECT 1 FROM scheduling.claim c
                WHERE c.business_id = a.business_id AND c.resource_id = a.provider_id
                  AND c.resource_id > %(after)s AND c.resource_id <= %(upto)s
                  AND c.holder_id = coalesce(a.session_id, a.appointment_id)
                  AND c.starts_at <= a.starts_at AND c.ends_at >= a.ends_at AND NOT c.overbooked)
        """,
    ),
    _Invariant(
        "the history of appointment {} has a gap, or does not end with its version",
        _NEXT_APPOINTMENT,
        """
        SELECT a.appointment_id::text
          FROM scheduling.appointment a
          LEFT JOIN scheduling.history h
                 ON h.business_id = a.business_id AND h.appointment_id = a.appointment_id
                AND h.appointment_id > %(after)s AND h.appointment_id <= %(upto)s
         WHERE a.business_id = %(business)s AND a.appointment_id > %(after)s AND a.appointment_id <= %(upto)s
         GROUP BY a.appointment_id, a.version
        HAVING count(h.version) <> a.version OR max(h.version) <> a.version
        """,
    ),
)


def check_invariants(db: Connection, business_id: UUID, *, share: float = DATABASE_SHARE) -> list[str]:
    """Describe the violated invariants, at most five violations of each; empty when there are none.

    Reads in chunks, each from one snapshot, that keep the database busy for `share` of the time.
    """
    throttle = ComparisonThrottle(share)
    # Without statistics, as in a new copy, the planner would read every claim for each appointment.
    db.execute("SET enable_nestloop = off")
    try:
        return [each for invariant in _INVARIANTS for each in _violations(db, business_id, invariant, throttle)]
    finally:
        if not db.broken:
            db.execute("RESET enable_nestloop")


def _violations(db: Connection, business_id: UUID, invariant: _Invariant, throttle: ComparisonThrottle) -> list[str]:
    found: list[str] = []
    after = _FIRST
    while after < _LAST and len(found) < _MAX_LISTED:
        throttle.begin()
        values = {"business": business_id, "after": after, "rows": _CHUNK_ROWS}
        row = db.execute(invariant.next, values).fetchone()
        values["upto"] = upto = _LAST if row is None else row[0]
        found += [
            invariant.message.format(each)
            for (each,) in db.execute(invariant.violations, values).fetchmany(_MAX_LISTED)
        ]
        after = upto
        throttle.rest()
    return found[:_MAX_LISTED]
