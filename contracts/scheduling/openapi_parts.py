"""The parts of the OpenAPI document that do not come from the operations: errors, headers, security."""

import inspect
from collections.abc import Sequence
from types import NoneType
from typing import Any, get_args

import msgspec

from contracts.chassis.http_constants import IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_PATTERN, PROBLEM_TYPE
from contracts.chassis.trace import REQUEST_ID, TRACEPARENT
from contracts.scheduling.codec import TIME_LEFT_MS
from contracts.scheduling.errors import SchedulingError, Unavailable

Json = dict[str, Any]


def reference(name: str, kind: str = "schemas") -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}


def error_response(those: Sequence[type[SchedulingError]]) -> Json:
    """One response for errors that share a status."""
    schemas = [reference(error.__name__) for error in those]
    schema = schemas[0] if len(schemas) == 1 else {"oneOf": schemas}
    return {
        "description": ", ".join(f"`{error.code}`" for error in those),
        "headers": replied("RetryAfter") if Unavailable in those else replied(),
        "content": {PROBLEM_TYPE: {"schema": schema}},
    }


def error_schema(error: type[SchedulingError]) -> Json:
    """Problem details (RFC 9457) with the error's own members, which are its constructor's parameters."""
    own = inspect.signature(error).parameters
    members = {name: each.annotation for name, each in own.items() if name != "message"}
    always = [name for name, kind in members.items() if NoneType not in get_args(kind)]
    return {
        "title": error.__name__,
        "type": "object",
        "properties": {
            "title": {"type": "string"},
            "status": {"const": error.status},
            "detail": {"type": "string"},
            "code": {"const": error.code},
            **{name: msgspec.json.schema(kind) for name, kind in members.items()},
        },
        "required": ["title", "status", "detail", "code", *always],
        "x-retryable": error.retryable,
        "x-outcome-known": error.outcome_known,
    }


def replied(*further: str) -> Json:
    """The headers of a reply."""
    return {_NAMES[name]: reference(name, "headers") for name in ("RequestId", *further)}


HEADERS: Json = {
    "IdempotencyKey": {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "required": True,
        "description": "The caller's own name for this write. Repeating it with the same request has one "
        "effect and one answer; with another request it is `idempotency_key_reused`.",
        "schema": {"type": "string", "pattern": IDEMPOTENCY_KEY_PATTERN},
    },
    "TimeLeftMs": {
        "name": TIME_LEFT_MS,
        "in": "header",
        "required": False,
        "description": "How long the caller will still wait; nothing is committed after that. At most the "
        "operation's `x-budget-ms` counts, which also holds where the header is absent.",
        "schema": {"type": "integer", "minimum": 0},
    },
    "TraceParent": {
        "name": TRACEPARENT,
        "in": "header",
        "required": False,
        "description": "W3C trace context. A malformed one begins a new trace.",
        "schema": {"type": "string"},
    },
    "RequestId": {
        "name": REQUEST_ID,
        "in": "header",
        "required": False,
        "description": "Stands in the log lines of both sides.",
        "schema": {"type": "string"},
    },
}
REPLY_HEADERS: Json = {
    "RequestId": {"description": "The request's, or a new one.", "schema": {"type": "string"}},
    "RetryAfter": {"description": "Seconds, rounded up.", "schema": {"type": "integer", "minimum": 1}},
}
_NAMES = {"RequestId": REQUEST_ID, "RetryAfter": "Retry-After"}

SECURITY: Json = {
    "serviceToken": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Signed with EdDSA (Ed25519), valid for at most 60 seconds, for one audience. Names "
        "the business and the actor that the call is made for.",
    }
}
