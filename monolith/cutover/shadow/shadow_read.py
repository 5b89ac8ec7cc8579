"""A read that the owner has answered, and how both sides are asked again behind the user's back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from contracts.chassis.deadline import Deadline
from contracts.scheduling import codec
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import NotOwner, SchedulingError, Unauthenticated
from contracts.scheduling.models import Business, Reply, Request
from contracts.scheduling.operations import Operation
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName

Ports = Mapping[DatabaseName, SchedulingPort]
ShadowReply = Reply | bytes
"""A reply, or an error that is an answer, such as `AppointmentNotFound`, encoded."""


@dataclass(frozen=True, slots=True)
class ShadowRead:
    """What the user asked, and what the owner answered within `seconds`."""

    operation: Operation[Any, Any]
    ctx: CallContext
    request: Request
    owner: DatabaseName
    answer: ShadowReply
    seconds: float

    @property
    def candidate(self) -> DatabaseName:
        return "scheduling" if self.owner == "monolith" else "monolith"


class ReadFailed(Exception):
    """The side could not answer; says why in words."""


def error_reply(error: SchedulingError) -> bytes | None:
    """The error as an answer; None when it says nothing about the data, only that there was no answer."""
    if error.retryable or isinstance(error, NotOwner | Unauthenticated):
        return None
    return codec.encode_error(error)


def call_for_comparison(port: SchedulingPort, read: ShadowRead, seconds: float) -> bytes:
    """The answer as it is compared, within `seconds`. Raises NoAnswer, whatever the side does."""
    ctx = CallContext(read.ctx.business_id, read.ctx.actor, Deadline.after(seconds), read.ctx.trace)
    try:
        return encode_for_comparison(port.call(read.operation, ctx, read.request))
    except SchedulingError as error:
        answer = error_reply(error)
        if answer is None:
            raise ReadFailed(f"{error.code}: {error.message}") from error
        return answer
    except Exception as error:
        raise ReadFailed(f"{type(error).__name__}: {error}") from error


def encode_for_comparison(answer: ShadowReply) -> bytes:
    """As it would cross the wire. A business's epoch is that of the database's lease, which is nobody's copy."""
    if isinstance(answer, bytes):
        return answer
    return codec.encode_reply(replace(answer, epoch=1) if isinstance(answer, Business) else answer)
