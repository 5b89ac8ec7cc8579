"""Wire format: encodes and decodes requests, replies and errors."""

import re
from inspect import signature
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from contracts.chassis import decoding
from contracts.chassis.decoding import UNDECODABLE, InvalidInput
from contracts.chassis.problem import Problem, problem
from contracts.scheduling.errors import BY_CODE, InvalidRequest, SchedulingError
from contracts.scheduling.models import Reply
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.validation import invalid_request

TIME_LEFT_MS = "Time-Left-Ms"
MAX_REPLY_BYTES = 4 * 1024 * 1024

_encoder = msgspec.json.Encoder()
_path_field = re.compile(r"{(\w+)}")
_needs_no_quoting = re.compile(r"[A-Za-z0-9._~:,-]*").fullmatch


class MalformedReply(Exception):
    """A response that violates the contract. On a write the outcome is unknown."""


class WireRequest(msgspec.Struct, frozen=True):
    """An encoded request. `target` is path and query; `body` is None for a method without one."""

    target: str
    body: bytes | None


def encode_request(operation: Operation[Q, R], request: Q) -> WireRequest:
    """Encode a request as path, query and body."""
    fields: dict[str, Any] = msgspec.to_builtins(request)
    path = _path_field.sub(lambda match: quote(str(fields.pop(match[1])), safe=""), operation.path)
    if operation.writes:
        return WireRequest(path, _encoder.encode(fields))
    query = "&".join(f"{name}={_as_text(value)}" for name, value in fields.items() if value not in (None, [], ()))
    return WireRequest(f"{path}?{query}" if query else path, None)


def decode_request(operation: Operation[Q, R], path_fields: dict[str, str], query: str, body: bytes) -> Q:
    """Decode a request strictly. Raises InvalidRequest with the path of the field at fault."""
    try:
        fields = _body_or_query(operation, query, body)
        for name, value in path_fields.items():
            if name in fields:
                raise InvalidRequest(f"`{name}` belongs in the path only; remove it from the body.", field=name)
            fields[name] = value
        return decoding.convert(fields, operation.request)
    except InvalidInput as error:
        raise invalid_request(error) from error


def encode_reply(reply: Reply) -> bytes:
    """Encode a reply as JSON."""
    return _encoder.encode(reply)


def decode_reply(operation: Operation[Q, R], body: bytes) -> R:
    """Decode the reply of an operation. Raises MalformedReply."""
    try:
        return msgspec.json.decode(body, type=operation.reply)
    except UNDECODABLE as error:
        raise MalformedReply(f"{operation.name}: {error}") from error


def problem_of(error: SchedulingError) -> Problem:
    """Return the error as problem details (RFC 9457), with its code and its own members."""
    return problem(error.status, error.code, error.message, **error.details())  # type: ignore[arg-type]


def encode_error(error: SchedulingError) -> bytes:
    """Encode an error as problem details."""
    return problem_of(error).body()


def decode_error(status: int, body: bytes) -> SchedulingError:
    """Decode an error. Raises MalformedReply for an unknown error, or a status that contradicts its code."""
    try:
        code = msgspec.json.decode(body, type=_Coded).code
        members = msgspec.json.decode(body, type=_members_of[code])
    except (*UNDECODABLE, KeyError) as error:
        raise MalformedReply(f"status {status} without an error of the contract") from error
    kind = BY_CODE[code]
    if status != kind.status:
        raise MalformedReply(f"{code} came with status {status}")
    message, *details = msgspec.structs.astuple(members)
    return kind(message, *details)


class _Coded(msgspec.Struct):
    code: str


def _members(kind: type[SchedulingError]) -> type[msgspec.Struct]:
    """Return a model of an error's members: the parameters of its constructor, with their types."""
    fields = [
        (name, p.annotation) if p.default is p.empty else (name, p.annotation, p.default)
        for name, p in list(signature(kind.__init__).parameters.items())[2:]
    ]
    return msgspec.defstruct(kind.__name__, [("detail", str), *fields])


_members_of = {code: _members(kind) for code, kind in BY_CODE.items()}


def _body_or_query(operation: Operation[Q, R], query: str, body: bytes) -> dict[str, Any]:
    if operation.writes:
        return decoding.decode_object(body)
    return decoding.typed_query(decoding.parse_query(query), operation.request)


def _as_text(value: Any) -> str:
    """Return a query's value, quoted only if needed: ids, numbers and instants in UTC are not."""
    if isinstance(value, (list, tuple)):
        text = ",".join(map(str, value))
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if _needs_no_quoting(text) else quote_plus(text)
