"""Writes to the platform's tables in a controller's transaction, by functions that the schema's owner runs."""

from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import Connection
from monolith.cutover.scheduling_flag import adapter_for


def append_audit(
    controller: Connection, *, actor: str, action: str, subject: str, before: Any, after: Any, reason: str
) -> None:
    """Append an entry to the audit log."""
    controller.execute(
        "SELECT cutover.append_audit(%s, %s, %s, %s, %s, %s, %s)",
        (uuid7(), actor, action, subject, Jsonb(before), Jsonb(after), reason),
    )


def set_adapter_flag(controller: Connection, business_id: UUID, owner: DatabaseName) -> None:
    """Set the flag of a business to the adapter of its owner."""
    controller.execute("SELECT cutover.set_adapter_flag(%s, %s)", (business_id, adapter_for(owner)))


def follow_owner(controller: Connection, business_id: UUID, owner: DatabaseName, *, actor: str, reason: str) -> bool:
    """Let the flag of a business request its owner's adapter. Audited; returns False if it did already."""
    row = controller.execute(
        "SELECT cutover.follow_owner(%s, %s, %s, %s, %s)", (business_id, adapter_for(owner), uuid7(), actor, reason)
    ).fetchone()
    return row == (True,)
