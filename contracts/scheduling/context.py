"""The context of every call: business, actor, deadline, trace and idempotency key."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import Trace

ActorKind = Literal["anonymous", "customer", "staff", "system"]


class Actor(Struct, frozen=True):
    """The person or program that a call is made for. `anonymous` may read public data; its id is the nil UUID."""

    kind: ActorKind
    id: UUID


ANONYMOUS = Actor("anonymous", UUID(int=0))
SYSTEM = Actor("system", UUID(int=1))


class CallContext(Struct, frozen=True):
    """The context of one call.

    A write carries an idempotency key: repeating the call with the same business, actor, key and request has one
    effect and one reply. A read needs no key. The deadline applies to the whole call, retries included.
    """

    business_id: UUID
    actor: Actor
    deadline: Deadline
    trace: Trace
    idempotency_key: str | None = None
