"""Writes to the platform's tables that belong to the caller's transaction, over SQLAlchemy or psycopg."""

import json
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from monolith.shared.database import new_id

Execute = Callable[[str, Mapping[str, Any]], object]
"""Executes a statement with named psycopg parameters, such as `Connection.exec_driver_sql` of SQLAlchemy."""


def append_audit(
    execute: Execute, *, actor: str, action: str, subject: str, before: Any, after: Any, reason: str
) -> None:
    """Append an entry to the audit log. The database refuses to change it afterwards."""
    execute(
        """
        INSERT INTO platform.audit (audit_id, actor, action, subject, before, after, reason)
        VALUES (%(audit_id)s, %(actor)s, %(action)s, %(subject)s, %(before)s::jsonb, %(after)s::jsonb, %(reason)s)
        """,
        {
            "audit_id": new_id(),
            "actor": actor,
            "action": action,
            "subject": subject,
            "before": json.dumps(before),
            "after": json.dumps(after),
            "reason": reason,
        },
    )


def set_flag_of_business(execute: Execute, key: str, business_id: UUID, value: str) -> None:
    """Set the override of a flag for one business."""
    execute(
        """
        INSERT INTO platform.flag (key, business_id, value) VALUES (%(key)s, %(business_id)s, %(value)s)
            ON CONFLICT (key, business_id) DO UPDATE SET value = excluded.value, changed_at = now()
        """,
        {"key": key, "business_id": business_id, "value": value},
    )
