"""Strict decoding of the service's replies."""

from contracts.chassis.http_constants import JSON_TYPE, PROBLEM_TYPE
from contracts.scheduling import codec
from contracts.scheduling.codec import MalformedReply
from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.operations import Operation, Q, R
from monolith.modules.scheduling.adapters.deadline_transport import HttpReply


def read_reply(operation: Operation[Q, R], reply: HttpReply) -> R | SchedulingError:
    """Return the reply or the contract's error. Raises MalformedReply for anything else."""
    media_type = reply.content_type.partition(";")[0].strip().lower()
    if reply.status == operation.status and media_type == JSON_TYPE:
        return codec.decode_reply(operation, reply.body)
    if reply.status >= 400 and media_type == PROBLEM_TYPE:
        return codec.decode_error(reply.status, reply.body)
    raise MalformedReply(f"{operation.name}: status {reply.status} with content type {media_type or 'none'}")
