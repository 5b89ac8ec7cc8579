"""How every write happens: fence, lease, key, effect, events, reply; one transaction, bounded retries.

The idempotency key is kept in the same transaction as the effect, with the reply that was given. A refusal changes
nothing and is not kept: repeating the key after one decides anew.
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

from contracts.chassis.backoff import backoff_delay
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
from scheduling_service.engine.database import Connection, Database, time_left_ms, to_contract_error
from scheduling_service.engine.store import protocol

_TRIES = 3


class LockContention(pg.SerializationFailure):
    """Somebody else is changing what this write needs, and it may not wait for them: it begins again, without locks."""


_TRANSIENT = (pg.SerializationFailure, pg.DeadlockDetected)


@dataclass
class Write:
    """An open write transaction on one business: the lease is active and stays so until it ends.

    `now` is the database's clock, read after the locks. Events told here leave only if the transaction commits.
    `may_wait`: for appointments that somebody else is changing. No more once it has locked what comes after them in the
    order of locks: two writes could wait for each other. `in_passing`: it goes beyond what was asked, with locks of any
    kind, and waits for nobody's turn.
    """

    db: Connection
    ctx: CallContext
    now: datetime
    epoch: int
    business_name: str
    business_zone: str
    rules_version: int
    operation: str
    events: list[Event] = field(default_factory=list)
    may_wait: bool = True
    in_passing: bool = False


Handler = Callable[[Write, Q], R]


def execute_write(
    database: Database,
    operation: Operation[Q, R],
    ctx: CallContext,
    request: Q,
    handler: Handler[Q, R],
    *,
    alone: bool,
) -> R:
    """Execute a write once per key, or answer the reply that its key already has.

    `alone` excludes the business's other writes for the transaction, which changes of the catalog need: no booking is
    ever decided by rules that are already gone. Raises contract errors only; `OutcomeUnknown` if and only if the
    connection was lost while committing.
    """
    call = _Call(require_key(ctx.idempotency_key), operation, ctx, request, alone)
    for attempt in range(_TRIES):
        try:
            return _once(database, call, handler)
        except _TRANSIENT as error:
            if attempt + 1 == _TRIES:
                raise to_contract_error(error) from error
            time.sleep(backoff_delay(attempt + 1, first=0.01, longest=0.1))
        except _StaleConnection as error:
            database.drop_idle()
            if attempt + 1 == _TRIES:
                raise Unavailable("Scheduling's database cannot be reached; nothing was done.") from error
        except psycopg.Error as error:
            raise to_contract_error(error) from error
    raise AssertionError("unreachable: the last try returns or raises")


class _StaleConnection(Exception):
    """A pooled connection that was dead before the transaction began."""


class _Call(msgspec.Struct, frozen=True):
    key: str
    operation: Operation[Any, Any]
    ctx: CallContext
    request: Any
    alone: bool

    @property
    def actor(self) -> str:
        return f"{self.ctx.actor.kind}:{self.ctx.actor.id}"

    def request_hash(self) -> bytes:
        return blake2b(msgspec.json.encode(self.request), digest_size=16).digest()


def _once(database: Database, call: _Call, handler: Handler[Q, R]) -> R:
    with database.connection(call.ctx.deadline) as db, _rolled_back_on_error(db):
        begun = _begin(db, call)
        if begun.reply is not None:
            replayed: R = _replay(db, call, begun)
            return replayed
        write = _admitted(db, call, begun)
        reply = handler(write, call.request)
        _keep(write, call, reply)
        if call.ctx.deadline.expired():
            raise DeadlineExceeded(DEADLINE_PASSED)
        _commit(db)
        return reply


def _begin(db: Connection, call: _Call) -> protocol.BeginResult:
    budget_ms = time_left_ms(call.ctx.deadline)
    try:
        db.execute("BEGIN")
    except psycopg.OperationalError as error:
        raise _StaleConnection from error
    try:
        return protocol.begin_write(
            db, call.ctx.business_id, call.actor, call.operation.name, call.key, budget_ms, call.alone
        )
    except pg.LockNotAvailable as error:
        raise KeyInProgress("The same request is being executed; ask again in a moment.") from error


def _replay(db: Connection, call: _Call, begun: protocol.BeginResult) -> Any:
    db.execute("ROLLBACK")
    if begun.request_hash != call.request_hash():
        raise KeyReused("This idempotency key was used for a different request; use a new one.")
    return codec.decode_reply(call.operation, begun.reply or b"")


def _admitted(db: Connection, call: _Call, begun: protocol.BeginResult) -> Write:
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
    )


def _keep(write: Write, call: _Call, reply: Reply) -> None:
    business_id = write.ctx.business_id
    for event in write.events:
        protocol.append_event(
            write.db,
            business_id,
            event.event_id,
            event.appointment.appointment_id,
            event.version,
            encode_event(event),
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


def _commit(db: Connection) -> None:
    try:
        db.execute("COMMIT")
    except pg.TransactionTimeout as error:
        raise DeadlineExceeded(DEADLINE_PASSED) from error
    except psycopg.OperationalError as error:
        raise OutcomeUnknown(
            "The connection was lost while committing; repeat the request with the same idempotency key."
        ) from error


@contextmanager
def _rolled_back_on_error(db: Connection) -> Iterator[None]:
    try:
        yield
    except (SchedulingError, psycopg.Error):
        if not db.closed and db.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            db.execute("ROLLBACK")
        raise
    except BaseException:
        db.close()
        raise
