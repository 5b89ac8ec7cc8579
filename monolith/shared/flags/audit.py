"""The writer of the audit log, for the transactions of this schema's own role."""

import json
from typing import Any

from sqlalchemy import Connection, text

from monolith.shared.database import new_id

_APPEND = text("""
    SELECT platform.append_audit(
        :audit_id, :actor, :action, :subject, CAST(:before AS jsonb), CAST(:after AS jsonb), :reason
    )
""")


def append_audit(
    connection: Connection, *, actor: str, action: str, subject: str, before: Any, after: Any, reason: str
) -> None:
    """Append an entry in the caller's transaction. A trigger makes the log append-only."""
    values = {"actor": actor, "action": action, "subject": subject, "reason": reason}
    documents = {"before": json.dumps(before), "after": json.dumps(after)}
    connection.execute(_APPEND, {"audit_id": new_id(), **values, **documents})
