"""The findings of whole comparisons: when a business was last known to be equal in both databases."""

import json
from uuid import UUID

from msgspec import to_builtins
from uuid_utils.compat import uuid7

from monolith.cutover.databases import Connection
from monolith.cutover.verification.findings import Findings


def store_findings(control_db: Connection, business_id: UUID, findings: Findings) -> None:
    control_db.execute(
        """
        INSERT INTO cutover.verification (verification_id, business_id, equal, findings)
        VALUES (%s, %s, %s, %s::jsonb)
        """,
        (uuid7(), business_id, findings.equal, json.dumps(to_builtins(findings))),
    )
