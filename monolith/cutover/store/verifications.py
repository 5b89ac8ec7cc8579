"""The findings of whole comparisons: when a business was last known to be equal in both databases."""

import json
from datetime import datetime
from uuid import UUID

from msgspec import Struct, to_builtins
from uuid_utils.compat import uuid7

from monolith.cutover.databases import Connection
from monolith.cutover.verification.findings import Findings


class StoredVerification(Struct, frozen=True):
    """The latest comparison of a business. `verified_at` is by the clock of the monolith's database."""

    verified_at: datetime
    equal: bool
    rows: int


def latest_verifications(control_db: Connection) -> dict[UUID, StoredVerification]:
    """Return the latest comparison of each business."""
    rows = control_db.execute(
        """
        SELECT o.business_id, v.verified_at, v.equal,
               (SELECT coalesce(sum((t.value->>'rows')::bigint), 0)::bigint FROM jsonb_each(v.findings->'tables') t)
          FROM cutover.ownership o
         CROSS JOIN LATERAL (SELECT verified_at, equal, findings FROM cutover.verification v
                              WHERE v.business_id = o.business_id ORDER BY verified_at DESC LIMIT 1) v
        """
    ).fetchall()
    return {business_id: StoredVerification(*row) for business_id, *row in rows}


def store_findings(control_db: Connection, business_id: UUID, findings: Findings) -> None:
    control_db.execute(
        """
        INSERT INTO cutover.verification (verification_id, business_id, equal, findings)
        VALUES (%s, %s, %s, %s::jsonb)
        """,
        (uuid7(), business_id, findings.equal, json.dumps(to_builtins(findings))),
    )
