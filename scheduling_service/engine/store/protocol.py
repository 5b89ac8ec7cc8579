"""The first and last statements of transactions: tenant, fence, lease, idempotency key and outbox."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from scheduling_service.engine.connection import Statement
from scheduling_service.engine.database import Connection

_BEGIN_READ = "SELECT scheduling.begin_read($1, $2)"
_TRUE = b"\x01"


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
    row = db.query_row(_BEGIN_READ, (business_id, budget_ms))
    return row is not None and bool(row[0])


def begin_read_later(db: Connection, business_id: UUID, budget_ms: int) -> Statement:
    """Queue `begin_read`; `found_business` reads its answer after another call has sent it."""
    return db.send_later(_BEGIN_READ, (business_id, budget_ms))


def found_business(begun: Statement) -> bool:
    return begun.read_bytes() == _TRUE


def begin_write(
    db: Connection, business_id: UUID, actor: str, operation: str, key: str, budget_ms: int, exclusive: bool
) -> BeginResult:
    """Restrict the transaction to one business and to `budget_ms`, lock fence and key, then read lease and key.

    Raises psycopg.errors.LockNotAvailable if the key is still being executed after a second.
    """
    row = db.query_row(
        "SELECT * FROM scheduling.begin_write($1, $2, $3, $4, $5, $6)",
        (business_id, actor, operation, key, budget_ms, exclusive),
    )
    return BeginResult(*row)  # type: ignore[misc]  # the function always returns one row


def store_reply(
    db: Connection, business_id: UUID, actor: str, operation: str, key: str, request_hash: bytes, reply: bytes
) -> None:
    """Store the reply of a key; sent with the next statement."""
    db.send_later(
        """
        INSERT INTO scheduling.idempotency (business_id, actor, operation, key, request_hash, reply)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        (business_id, actor, operation, key, request_hash, reply),
    )


def append_event(
    db: Connection, business_id: UUID, event_id: UUID, appointment_id: UUID, version: int, payload: bytes
) -> None:
    """Append an event to the outbox; sent with the next statement."""
    db.send_later(
        """
        INSERT INTO scheduling.outbox (business_id, event_id, appointment_id, version, payload)
        VALUES ($1, $2, $3, $4, $5)
        """,
        (business_id, event_id, appointment_id, version, payload),
    )
