"""Automatic rollbacks that were not reported to operators yet."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Connection, text

from contracts.scheduling.values import DatabaseName

# rollback_policy_unreported, then cutover's foreign key
_UNREPORTED = text("""
    SELECT p.policy_id, p.business_id, p.home, p.ended_at,
           coalesce((SELECT c.reason FROM cutover.cutover c
                      WHERE c.business_id = p.business_id AND c.actor = 'guard' AND c.began_at >= p.began_at
                      ORDER BY c.attempt DESC LIMIT 1), '') AS reason
      FROM cutover.rollback_policy p
     WHERE p.outcome = 'returned' AND p.reported_at IS NULL
     ORDER BY p.ended_at
     LIMIT :limit
""")
# rollback_policy_pkey
_REPORTED = text("""
    UPDATE cutover.rollback_policy SET reported_at = clock_timestamp()
     WHERE policy_id = :policy_id AND reported_at IS NULL
""")


class UnreportedRollback(NamedTuple):
    """A business that was moved back to `home` automatically. `reason` is the exceeded threshold."""

    policy_id: UUID
    business_id: UUID
    home: DatabaseName
    ended_at: datetime
    reason: str


def unreported(connection: Connection, limit: int) -> Sequence[UnreportedRollback]:
    """Return the rollbacks that were not reported, oldest first."""
    return [UnreportedRollback(*row) for row in connection.execute(_UNREPORTED, {"limit": limit})]


def mark_reported(connection: Connection, policy_id: UUID) -> None:
    """Record that a rollback was reported. Idempotent."""
    connection.execute(_REPORTED, {"policy_id": policy_id})
