"""What transactions begin and end with: the tenant, the fence and lease, the idempotency key, the outbox."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from scheduling_service.engine.database import Connection


class BeginResult(NamedTuple):
    """What `begin_write` found, after the locks were taken."""

    now: datetime
    lease_active: bool | None
    lease_epoch: int | None
    request_hash: bytes | None
    reply: bytes | None
    business_name: str | None
    business_zone: str | None
    rules_version: int | None


def begin_read(db: Connection, business_id: UUID, budget_ms: int) -> bool:
    """Whether there is such a business. Its rows are visible, and the transaction ends by itself after `budget_ms`."""
    row = db.execute("SELECT scheduling.begin_read(%s, %s::int)", (business_id, budget_ms)).fetchone()
    return row is not None and bool(row[0])


def begin_write(
    db: Connection, business_id: UUID, actor: str, operation: str, key: str, budget_ms: int, alone: bool
) -> BeginResult:
    row = db.execute(
        "SELECT * FROM scheduling.begin_write(%s, %s, %s, %s, %s::int, %s)",
        (business_id, actor, operation, key, budget_ms, alone),
    ).fetchone()
    return BeginResult(*row)  # type: ignore[misc]  # the function always answers one row


def store_reply(
    db: Connection, business_id: UUID, actor: str, operation: str, key: str, request_hash: bytes, reply: bytes
) -> None:
    db.execute(
        """
        INSERT INTO scheduling.idempotency (business_id, actor, operation, key, request_hash, reply)
        VALUES (%s, %s, %s, %s, %s, %s)
        """,
        (business_id, actor, operation, key, request_hash, reply),
    )


def append_event(
    db: Connection, business_id: UUID, event_id: UUID, appointment_id: UUID, version: int, payload: bytes
) -> None:
    db.execute(
        """
        INSERT INTO scheduling.outbox (business_id, event_id, appointment_id, version, payload)
        VALUES (%s, %s, %s, %s, %s)
        """,
        (business_id, event_id, appointment_id, version, payload),
    )
