"""The parts of the OpenAPI document that are not derived from operations: errors, headers and security."""

import inspect
from collections.abc import Sequence
from types import NoneType
from typing import get_args

import msgspec

from contracts.chassis import openapi
from contracts.chassis.http_constants import PROBLEM_TYPE
from contracts.chassis.openapi import PROBLEM_PROPERTIES, Json, reference
from contracts.chassis.trace import REQUEST_ID, TRACEPARENT
from contracts.scheduling.codec import TIME_LEFT_MS
from contracts.scheduling.errors import SchedulingError, Unavailable


def error_response(errors: Sequence[type[SchedulingError]]) -> Json:
    """Return one response for errors that share a status."""
    schemas = [reference(error.__name__) for error in errors]
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    return {
        "description": ", ".join(f"`{error.code}`" for error in errors),
        "headers": reply_headers("RetryAfter") if Unavailable in errors else reply_headers(),
        "content": openapi.content(schema, PROBLEM_TYPE),
    }


def error_schema(error: type[SchedulingError]) -> Json:
    """Return the schema of an error: problem details (RFC 9457) with the error's own members.

    The own members are the parameters of the error's constructor.
    """
    own = inspect.signature(error).parameters
    members = {name: each.annotation for name, each in own.items() if name != "message"}
    always = [name for name, kind in members.items() if NoneType not in get_args(kind)]
    return {
        "title": error.__name__,
        "type": "object",
        "properties": {
            **PROBLEM_PROPERTIES,
            "status": {"const": error.status},
            "code": {"const": error.code},
            **{name: msgspec.json.schema(kind) for name, kind in members.items()},
        },
        "required": [*PROBLEM_PROPERTIES, *always],
        "x-retryable": error.retryable,
        "x-outcome-known": error.outcome_known,
    }


def reply_headers(*further: str) -> Json:
    """Return the headers of a reply."""
    return {_NAMES[name]: reference(name, "headers") for name in ("RequestId", *further)}


HEADERS: Json = {
    "IdempotencyKey": openapi.idempotency_key(
        "A unique value that the caller chooses for this write. Repeating the write with the same key and request has "
        "one effect and one reply; the same key with another request is `idempotency_key_reused`. A key may be retried "
        "for a day; later it may be executed like a new one."
    ),
    "TimeLeftMs": openapi.header(
        TIME_LEFT_MS,
        "The time that the caller will wait; nothing is committed after that. The operation's `x-budget-ms` is the "
        "maximum, and the default if the header is absent.",
        {"type": "integer", "minimum": 0},
    ),
    "TraceParent": openapi.header(
        TRACEPARENT, "W3C trace context. A malformed value starts a new trace.", {"type": "string"}
    ),
    "RequestId": openapi.header(REQUEST_ID, "Appears in the log lines of client and service.", {"type": "string"}),
}
REPLY_HEADERS: Json = {
    "RequestId": {"description": "The id of the request, or a new one.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds, rounded up.", "schema": {"type": "integer", "minimum": 1}},
}
_NAMES = {"RequestId": REQUEST_ID, "RetryAfter": "Retry-After"}

SECURITY: Json = {
    "serviceToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Signed with EdDSA (Ed25519) for one audience, valid for at most 60 seconds. Names the business "
        "and the actor of the call.",
    }
}
