"""What an answer means, strictly: exactly what the contract says, or nothing."""

from contracts.chassis.http_constants import JSON_TYPE, PROBLEM_TYPE
from contracts.scheduling import codec
from contracts.scheduling.codec import MalformedReply
from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.operations import Operation, Q, R
from monolith.modules.scheduling.adapters.deadline_transport import HttpReply


def read_reply(operation: Operation[Q, R], answer: HttpReply) -> R | SchedulingError:
    """The reply, or the contract's error that came in its place. Raises MalformedReply for anything else."""
    media_type = answer.content_type.partition(";")[0].strip().lower()
    if answer.status == operation.status and media_type == JSON_TYPE:
        return codec.decode_reply(operation, answer.body)
    if answer.status >= 400 and media_type == PROBLEM_TYPE:
        return codec.decode_error(answer.status, answer.body)
    raise MalformedReply(f"{operation.name}: status {answer.status} with content type {media_type or 'none'}")
