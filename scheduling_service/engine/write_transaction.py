"""The write transaction: fence, lease, idempotency key, effect, events and reply, with bounded retries.

The idempotency key is stored with the reply, in the transaction of the effect. A refusal changes nothing and is not
stored: repeating its key executes the request again.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

import msgspec
import psycopg
from psycopg import errors as pg

from contracts.chassis import tracing
from contracts.chassis.backoff import backoff_delay
from contracts.chassis.trace import Trace
from contracts.scheduling import codec
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import (
    BusinessNotFound,
    DeadlineExceeded,
    KeyInProgress,
    KeyReused,
    NotOwner,
    OutcomeUnknown,
    SchedulingError,
    Unavailable,
)
from contracts.scheduling.events import Event, encode_event
from contracts.scheduling.models import Reply
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.validation import DEADLINE_PASSED, require_key
from scheduling_service.engine.database import Connection, EngineDatabase, busy, time_left_ms, to_contract_error
from scheduling_service.engine.lock_order import LockContention, LockOrder
from scheduling_service.engine.store import protocol

_MAX_ATTEMPTS = 3
_LOCK_OF_KEY = "hashtext"
"""Occurs in the context of an error of `begin_write` that waited for the key."""
_RETRYABLE = (LockContention, pg.SerializationFailure, pg.DeadlockDetected, pg.InvalidSqlStatementName)
"""The last one means that something dropped the prepared statements, such as a connection pooler."""


@dataclass
class Write:
    """An open write transaction on one business, whose lease is active until the transaction ends.

    `now` is the database's clock, read after the fence and the key were locked. `locks` acquires all further locks.
    `events` reach the outbox only if the transaction commits.
    """

    db: Connection
    ctx: CallContext
    now: datetime
    epoch: int
    business_name: str
    business_zone: str
    rules_version: int
    operation: str
    locks: LockOrder
    events: list[Event] = field(default_factory=list)


WriteHandler = Callable[[Write, Q], R]


def execute_write(
    database: EngineDatabase,
    operation: Operation[Q, R],
    ctx: CallContext,
    request: Q,
    handler: WriteHandler[Q, R],
    *,
    exclusive: bool,
) -> R:
    """Execute a write once per idempotency key; for a key that was executed before, return the stored reply.

    `exclusive` excludes the business's other writes. Changes of the catalog need it, so that no booking is decided by
    outdated rules. Raises contract errors only; `OutcomeUnknown` if and only if the connection was lost in the round
    trip of COMMIT.
    """
    call = _Call(require_key(ctx.idempotency_key), operation, ctx, request, exclusive)
    for attempt in range(1, _MAX_ATTEMPTS + 1):
        try:
            return _attempt(database, call, handler)
        except _RETRYABLE as error:
            if attempt == _MAX_ATTEMPTS:
                raise busy() from error
            time.sleep(backoff_delay(attempt, first=0.01, longest=0.1))
        except _StaleConnection as error:
            database.drop_idle()
            if attempt == _MAX_ATTEMPTS:
                raise Unavailable("Scheduling's database is unreachable; nothing was done.") from error
        except psycopg.Error as error:
            raise to_contract_error(error) from error
    raise AssertionError("unreachable: the last attempt returns or raises")


class _StaleConnection(Exception):
    """A pooled connection that was dead before the transaction began."""


class _Call(msgspec.Struct, frozen=True):
    key: str
    operation: Operation[Any, Any]
    ctx: CallContext
    request: Any
    exclusive: bool

    @property
    def actor(self) -> str:
        return f"{self.ctx.actor.kind}:{self.ctx.actor.id}"

    def request_hash(self) -> bytes:
        return blake2b(msgspec.json.encode(self.request), digest_size=16).digest()


def _attempt(database: EngineDatabase, call: _Call, handler: WriteHandler[Q, R]) -> R:
    with database.connection(call.ctx.deadline) as db, _rolled_back_on_error(db):
        begun = _begin(db, call)
        if begun.reply is not None:
            replayed: R = _replay(db, call, begun)
            return replayed
        write = _require_lease(db, call, begun)
        reply = handler(write, call.request)
        _store_outcome(write, call, reply)
        if call.ctx.deadline.expired():
            raise DeadlineExceeded(DEADLINE_PASSED)
        _commit(db)
        return reply


def _begin(db: Connection, call: _Call) -> protocol.BeginResult:
    budget_ms = time_left_ms(call.ctx.deadline)
    db.send_later("BEGIN")
    try:
        return protocol.begin_write(
            db, call.ctx.business_id, call.actor, call.operation.name, call.key, budget_ms, call.exclusive
        )
    except pg.LockNotAvailable as error:
        if _LOCK_OF_KEY not in (error.diag.context or ""):
            raise  # The leases are locked, for a consistent point of a backup.
        raise KeyInProgress("The same request is still being executed; try again in a moment.") from error
    except psycopg.OperationalError as error:
        if db.answered:
            raise
        raise _StaleConnection from error


def _replay(db: Connection, call: _Call, begun: protocol.BeginResult) -> Any:
    db.roll_back()
    if begun.request_hash != call.request_hash():
        raise KeyReused("This idempotency key was used for a different request; use a new one.")
    return codec.decode_reply(call.operation, begun.reply or b"")


def _require_lease(db: Connection, call: _Call, begun: protocol.BeginResult) -> Write:
    """Raise NotOwner without an active lease. A business that is being opened has no lease yet."""
    opening = call.operation.name == "open_business"
    if begun.business_name is None and begun.lease_epoch is None and not opening:
        raise BusinessNotFound("There is no such business.")
    if not begun.lease_active and not (opening and begun.lease_epoch is None):
        raise NotOwner("This database does not own the business.")
    return Write(
        db,
        call.ctx,
        begun.now,
        begun.lease_epoch or 1,
        begun.business_name or "",
        begun.business_zone or "",
        begun.rules_version or 0,
        call.operation.name,
        LockOrder(db, call.ctx.business_id),
    )


def _store_outcome(write: Write, call: _Call, reply: Reply) -> None:
    business_id = write.ctx.business_id
    for event in write.events:
        protocol.append_event(
            write.db,
            business_id,
            event.event_id,
            event.appointment.appointment_id,
            event.version,
            encode_event(_traced(event, write.ctx.trace)),
        )
    protocol.store_reply(
        write.db,
        business_id,
        call.actor,
        call.operation.name,
        call.key,
        call.request_hash(),
        codec.encode_reply(reply),
    )


def _traced(event: Event, trace: Trace) -> Event:
    """Return the event with the trace of its change, so that its consumers continue it; unchanged without one."""
    if not tracing.is_recording():
        return event
    return msgspec.structs.replace(event, traceparent=tracing.continued(trace).header())


def _commit(db: Connection) -> None:
    try:
        db.run("COMMIT")
    except pg.TransactionTimeout as error:
        raise DeadlineExceeded(DEADLINE_PASSED) from error
    except psycopg.OperationalError as error:
        if not db.closed:
            raise  # Postgres has rolled back: a deadlock, for example
        raise OutcomeUnknown(
            "The connection was lost during the commit; repeat the request with the same idempotency key."
        ) from error


@contextmanager
def _rolled_back_on_error(db: Connection) -> Iterator[None]:
    try:
        yield
    except (SchedulingError, LockContention, psycopg.Error):
        db.roll_back()
        raise
    except BaseException:
        db.close()
        raise
