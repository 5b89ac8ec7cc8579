"""To and from the wire, errors included. The only place that knows how a model becomes HTTP."""

import json
import re
import threading
from functools import cache
from inspect import signature
from typing import Any, NoReturn, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import inspect

from contracts.scheduling.errors import BY_CODE, InvalidRequest, SchedulingError
from contracts.scheduling.events import AnyEvent, Event
from contracts.scheduling.models import Reply
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.values import IDEMPOTENCY_KEY_PATTERN

IDEMPOTENCY_KEY = "Idempotency-Key"
TIME_LEFT_MS = "Time-Left-Ms"
TRACEPARENT = "traceparent"
REQUEST_ID = "X-Request-Id"
JSON_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"

MAX_REQUEST_BYTES = 64 * 1024
MAX_REPLY_BYTES = 4 * 1024 * 1024

T = TypeVar("T")
_converted = threading.local()
"""Of each thread, the model it made last. Requests and their parts are frozen: it is still what was checked."""
_encoder = msgspec.json.Encoder()
_key_pattern = re.compile(IDEMPOTENCY_KEY_PATTERN)
_digits = re.compile(r"-?[0-9]{1,18}")
_path_field = re.compile(r"{(\w+)}")


class MalformedReply(Exception):
    """What came back is not what the contract says; on a write, the outcome is unknown."""


class WireRequest(msgspec.Struct, frozen=True):
    """`target` is path and query. `body` is None where the method has none."""

    target: str
    body: bytes | None


def encode_request(operation: Operation[Q, R], request: Q) -> WireRequest:
    fields: dict[str, Any] = msgspec.to_builtins(request)
    path = _path_field.sub(lambda match: quote(str(fields.pop(match[1])), safe=""), operation.path)
    if operation.writes:
        return WireRequest(path, _encoder.encode(fields))
    query = urlencode([(name, _as_text(value)) for name, value in fields.items() if value not in (None, [], ())])
    return WireRequest(f"{path}?{query}" if query else path, None)


def decode_request(
    operation: Operation[Q, R], path_fields: dict[str, str], query: dict[str, list[str]], body: bytes
) -> Q:
    """Raises InvalidRequest with the path of the field, for anything that is not exactly the request."""
    fields = decode_object(body) if operation.writes else typed_query(_single_values(query), operation.request)
    for name, value in path_fields.items():
        if name in fields:
            raise InvalidRequest(f"`{name}` stands in the path; leave it out of the body.", field=name)
        fields[name] = value
    return convert(fields, operation.request)


def validate(request: Q) -> Q:
    """The same request, checked as if it had crossed the wire. Raises InvalidRequest.

    What this thread has just made of plain values, and what cannot have changed since, needs no second look.
    """
    if request is getattr(_converted, "last", None):
        return request
    return convert(msgspec.to_builtins(request), type(request))


def typed_query(query: dict[str, str], model: type[msgspec.Struct]) -> dict[str, Any]:
    """A query's texts as JSON would carry them: digits are a number where the model has one, `true` and `false` a
    boolean, a list stands with commas; all else stays text.

    Anything laxer would take `1e2` for a page size and `1700000000` for a date.
    """
    kinds = _kinds_of_fields(model)
    return {name: _from_text(text, kinds.get(name, ())) for name, text in query.items()}


def convert(value: Any, into: type[T]) -> T:
    """`value` (of plain JSON types) as a model. Raises InvalidRequest."""
    try:
        _converted.last = made = msgspec.convert(value, into)
    except msgspec.ValidationError as error:
        _refuse(error)
    return made


def decode_object(body: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8. Raises InvalidRequest for anything else, a repeated key, NaN, or absurd nesting."""
    try:
        value = json.loads(body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
        if b"\\u" in body:
            json.dumps(value, ensure_ascii=False).encode()  # refuses half of an escaped surrogate pair
    except RecursionError:
        raise InvalidRequest("The JSON is nested too deeply.") from None
    except ValueError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object.")
    return value


def encode_reply(reply: Reply) -> bytes:
    return _encoder.encode(reply)


def decode_reply(operation: Operation[Q, R], body: bytes) -> R:
    """Raises MalformedReply."""
    try:
        return msgspec.json.decode(body, type=operation.reply)
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedReply(f"{operation.name}: {error}") from error


def encode_error(error: SchedulingError) -> bytes:
    """RFC 9457 problem details, with `code` and the error's own members beside the standard ones."""
    return _encoder.encode(problem(error.code, error.status, error.message, **error.details()))


def problem(code: str, status: int, message: str, **details: object) -> dict[str, object]:
    present = {name: value for name, value in details.items() if value is not None}
    return {"title": code.replace("_", " "), "status": status, "detail": message, "code": code, **present}


def decode_error(status: int, body: bytes) -> SchedulingError:
    """Raises MalformedReply for an error not of the contract, or whose status contradicts its code."""
    try:
        code = msgspec.json.decode(body, type=_Coded).code
        members = msgspec.json.decode(body, type=_members_of[code])
    except (msgspec.DecodeError, KeyError, RecursionError) as error:
        raise MalformedReply(f"status {status} without an error of the contract") from error
    kind = BY_CODE[code]
    if status != kind.status:
        raise MalformedReply(f"{code} came with status {status}")
    message, *details = msgspec.structs.astuple(members)
    return kind(message, *details)


def encode_event(event: Event) -> bytes:
    return _encoder.encode(event)


def decode_event(body: bytes) -> AnyEvent:
    """Raises MalformedReply."""
    try:
        event: AnyEvent = msgspec.json.decode(body, type=AnyEvent)
        return event
    except (msgspec.DecodeError, RecursionError) as error:
        raise MalformedReply(f"not an event of the contract: {error}") from error


def require_key(key: str | None) -> str:
    """Raises InvalidRequest unless the key is 1 to 200 visible ASCII characters."""
    if key is None:
        raise InvalidRequest(f"Send an {IDEMPOTENCY_KEY} header with a value of your own.", field=IDEMPOTENCY_KEY)
    if not _key_pattern.fullmatch(key):
        raise InvalidRequest(f"{IDEMPOTENCY_KEY} must be 1 to 200 visible ASCII characters.", field=IDEMPOTENCY_KEY)
    return key


class _Coded(msgspec.Struct):
    code: str


def _members(kind: type[SchedulingError]) -> type[msgspec.Struct]:
    """What an error of this kind carries: the parameters of its constructor, with their types."""
    fields = [
        (name, p.annotation) if p.default is p.empty else (name, p.annotation, p.default)
        for name, p in list(signature(kind.__init__).parameters.items())[2:]
    ]
    return msgspec.defstruct(kind.__name__, [("detail", str), *fields])


_members_of = {code: _members(kind) for code, kind in BY_CODE.items()}


_BOOLEANS = {"true": True, "false": False}


def _as_text(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else value


def _from_text(text: str, kinds: tuple[type[inspect.Type], ...]) -> Any:
    if inspect.IntType in kinds and _digits.fullmatch(text):
        return int(text)
    if inspect.BoolType in kinds:
        return _BOOLEANS.get(text, text)
    return text.split(",") if inspect.VarTupleType in kinds else text


@cache
def _kinds_of_fields(model: type[msgspec.Struct]) -> dict[str, tuple[type[inspect.Type], ...]]:
    found = inspect.type_info(model)
    assert isinstance(found, inspect.StructType)
    return {f.encode_name: tuple(type(kind) for kind in getattr(f.type, "types", (f.type,))) for f in found.fields}


def _single_values(query: dict[str, list[str]]) -> dict[str, Any]:
    for name, values in query.items():
        if len(values) > 1:
            raise InvalidRequest(f"`{name}` stands more than once in the query.", field=name)
    return {name: values[0] for name, values in query.items()}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise InvalidRequest("The JSON repeats a key.")
    return fields


def _no_constant(name: str) -> NoReturn:
    raise InvalidRequest(f"{name} is not JSON.")


def _refuse(error: msgspec.ValidationError) -> NoReturn:
    message, _, path = str(error).partition(" - at `$")
    path = path.rstrip("`").lstrip(".")
    named = re.search(r"`(\w+)`", message)
    about_a_member = message.startswith("Object ") or isinstance(error.__cause__, ValueError)
    if named and about_a_member:
        path = f"{path}.{named[1]}".lstrip(".")
    raise InvalidRequest(f"{message}.", field=path or None) from error
