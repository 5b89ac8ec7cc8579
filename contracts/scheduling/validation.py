"""Checks that every call of the port passes, with either adapter."""

from typing import Any, Final, TypeVar

import msgspec

from contracts.chassis import decoding
from contracts.chassis.decoding import InvalidInput
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import DeadlineExceeded, InvalidRequest
from contracts.scheduling.models.kinds import Request

Q = TypeVar("Q", bound=Request)
T = TypeVar("T")

DEADLINE_PASSED: Final = "The deadline has passed; nothing was done."


def check_call(ctx: CallContext, request: Q, *, writes: bool) -> Q:
    """Check deadline, idempotency key and request, in this order, and return the request as if decoded from the wire.

    Raises DeadlineExceeded and InvalidRequest.
    """
    check_deadline(ctx)
    if writes:
        require_key(ctx.idempotency_key)
    return check_request(request)


def check_request(request: Q) -> Q:
    """Return the request as if decoded from the wire. Raises InvalidRequest with the path of the field at fault."""
    return convert(msgspec.to_builtins(request), type(request))


def check_deadline(ctx: CallContext) -> None:
    """Raise DeadlineExceeded if the deadline of the call has passed."""
    if ctx.deadline.expired():
        raise DeadlineExceeded(DEADLINE_PASSED)


def require_key(key: str | None) -> str:
    """Return the idempotency key. Raises InvalidRequest unless it consists of 1 to 200 visible ASCII characters."""
    try:
        return decoding.require_key(key)
    except InvalidInput as error:
        raise invalid_request(error) from error


def convert(value: Any, model: type[T]) -> T:
    """Convert a value of plain JSON types to a model of the contract. Raises InvalidRequest."""
    try:
        return decoding.convert(value, model)
    except InvalidInput as error:
        raise invalid_request(error) from error


def invalid_request(error: InvalidInput) -> InvalidRequest:
    """Return the contract's error for an input that could not be decoded."""
    return InvalidRequest(error.message, error.field)
