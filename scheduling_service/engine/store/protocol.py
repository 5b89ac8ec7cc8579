"""The first and last statements of transactions: tenant, fence, lease, idempotency key and outbox."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from scheduling_service.engine.database import Connection


class BeginResult(NamedTuple):
    """The state that `begin_write` read after it had acquired the locks."""

    now: datetime
    lease_active: bool | None
    lease_epoch: int | None
    request_hash: bytes | None
    reply: bytes | None
    business_name: str | None
    business_zone: str | None
    rules_version: int | None


def begin_read(db: Connection, business_id: UUID, budget_ms: int) -> bool:
    """Restrict the transaction to one business and to `budget_ms`; return whether the business exists."""
    row = db.execute("SELECT scheduling.begin_read(%s, %s::int)", (business_id, budget_ms)).fetchone()
    return row is not None and bool(row[0])


def begin_write(
    db: Connection, business_id: UUID, actor: str, operation: str, key: str, budget_ms: int, exclusive: bool
) -> BeginResult:
    """Restrict the transaction to one business and to `budget_ms`, lock fence and key, then read lease and key.

    Raises psycopg.errors.LockNotAvailable if the key is still being executed after a second.
    """
    row = db.execute(
        "SELECT * FROM scheduling.begin_write(%s, %s, %s, %s, %s::int, %s)",
        (business_id, actor, operation, key, budget_ms, exclusive),
    ).fetchone()
    return BeginResult(*row)  # type: ignore[misc]  # the function always returns one row


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
