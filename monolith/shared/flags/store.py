"""Flags and the audit log. A change of a flag and its audit entry are one transaction."""

from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Connection, func, literal_column, select
from sqlalchemy.dialects.postgresql import insert as upsert

from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.audit import append_audit
from monolith.shared.flags.tables import audit, flag

SCHEDULING_ADAPTER = "scheduling.adapter"
SCHEDULING_SHADOW = "scheduling.shadow"

Flags = dict[tuple[str, UUID | None], str]
"""Values by key and business; None stands for the default of all businesses."""


class AuditEntry(NamedTuple):
    recorded_at: datetime
    actor: str
    action: str
    subject: str
    before: Any
    after: Any
    reason: str


class FlagStore:
    def __init__(self, database: ModuleDatabase) -> None:
        self._database = database

    def read(self) -> Flags:
        with self._database.transaction() as connection:
            rows = connection.execute(select(flag.c.key, flag.c.business_id, flag.c.value)).all()
        return {(key, business_id): value for key, business_id, value in rows}

    def set(self, key: str, value: str, *, business_id: UUID | None, actor: str, reason: str) -> str | None:
        """Set the flag and return its previous value, None if it was unset.

        A change is audited; setting the value that the flag already has is no change.
        """
        with self._database.transaction() as connection:
            before = _current(connection, key, business_id)
            if before == value:
                return before
            statement = upsert(flag).values(key=key, business_id=business_id, value=value)
            connection.execute(
                statement.on_conflict_do_update(
                    constraint="flag_key_business", set_={"value": value, "changed_at": func.now()}
                )
            )
            append_audit(
                connection,
                actor=actor,
                action="flag.set",
                subject=key if business_id is None else f"{key} business:{business_id}",
                before=before,
                after=value,
                reason=reason,
            )
        return before

    def record(self, action: str, subject: str, *, actor: str, reason: str, details: Any = None) -> None:
        """Append an audit entry that changes no flag. `details`, if given, are plain JSON values."""
        with self._database.transaction() as connection:
            append_audit(
                connection, actor=actor, action=action, subject=subject, before=None, after=details, reason=reason
            )

    def changes(
        self,
        limit: int = 20,
        *,
        key: str | None = None,
        business_id: UUID | None = None,
        before: datetime | None = None,
    ) -> list[AuditEntry]:
        """Return the latest audit entries, newest first.

        With `key`, those whose subject begins with this word; with `business_id`, those about this business; with
        `before`, those recorded earlier.
        """
        columns = [c for c in audit.c if c.name != "audit_id"]
        newest = select(*columns).order_by(audit.c.recorded_at.desc(), audit.c.audit_id.desc()).limit(limit)
        if key is not None:
            newest = newest.where(func.split_part(audit.c.subject, " ", 1) == key)
        if business_id is not None:
            newest = newest.where(audit.c.subject.endswith(f"business:{business_id}"))
        if before is not None:
            newest = newest.where(audit.c.recorded_at < before)
        with self._database.transaction() as connection:
            return [AuditEntry(*row) for row in connection.execute(newest)]


def _current(connection: Connection, key: str, business_id: UUID | None) -> str | None:
    same_business = flag.c.business_id.is_not_distinct_from(business_id if business_id else literal_column("NULL"))
    return connection.execute(select(flag.c.value).where(flag.c.key == key, same_business).with_for_update()).scalar()
