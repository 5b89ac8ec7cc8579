"""A read that the owner has served, and its repetition in either database."""

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
"""A reply, or an encoded error that depends on the data, such as `AppointmentNotFound`."""


@dataclass(frozen=True, slots=True)
class ShadowRead:
    """A request, with the owner's reply and how long it took."""

    operation: Operation[Any, Any]
    ctx: CallContext
    request: Request
    owner: DatabaseName
    reply: ShadowReply
    seconds: float

    @property
    def candidate(self) -> DatabaseName:
        return "scheduling" if self.owner == "monolith" else "monolith"


class ReadFailed(Exception):
    """The database gave no comparable reply; the message states the reason."""


def error_reply(error: SchedulingError) -> bytes | None:
    """Return the error encoded as a reply; None for an error that does not depend on the data."""
    if error.retryable or isinstance(error, NotOwner | Unauthenticated):
        return None
    return codec.encode_error(error)


def call_for_comparison(port: SchedulingPort, read: ShadowRead, seconds: float) -> bytes:
    """Call the port within `seconds` and return the reply in its comparable form. Raises only ReadFailed."""
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


def encode_for_comparison(reply: ShadowReply) -> bytes:
    """Encode the reply as on the wire, without a business's epoch, which belongs to each database's lease."""
    if isinstance(reply, bytes):
        return reply
    return codec.encode_reply(replace(reply, epoch=1) if isinstance(reply, Business) else reply)
