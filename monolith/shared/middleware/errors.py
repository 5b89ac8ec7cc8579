"""Every error becomes problem details (RFC 9457) for programs, or a page for people; never a traceback."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from contracts.scheduling import codec
from contracts.scheduling import errors as contract
from monolith.shared.database import CommitUnknown, DatabaseUnavailable
from monolith.shared.endpoints.errors import ApiError
from monolith.shared.middleware.request_context import current_request_context

_log = logging.getLogger("monolith.error")
_HTTP = {
    400: ("bad_request", "The request could not be understood."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take that method."),
    413: ("body_too_large", f"The body may be at most {codec.MAX_REQUEST_BYTES // 1024} kB."),
}
_INTERNAL = "Something went wrong on our side. It has been logged; please try again later."


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, for the person who reads it. `members` are the problem details' own; `code` is stable."""

    status: int
    code: str
    message: str
    members: dict[str, object] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


ErrorPage = Callable[[Problem], str]
"""Renders a problem as a whole HTML page. It must not raise."""


def answer_errors(app: Flask, error_page: ErrorPage | None) -> None:
    """Errors under /api/ and everywhere, if there is no error page, are answered as problem details."""

    def answer(error: Exception) -> ResponseReturnValue:
        if isinstance(error, RequestRedirect):
            return error
        problem = problem_of(error)
        if error_page is None or request.path.startswith("/api/"):
            return _as_json(problem)
        return Response(error_page(problem), problem.status, problem.headers, content_type="text/html; charset=utf-8")

    app.register_error_handler(Exception, answer)


def problem_of(error: Exception) -> Problem:
    """What `error` means to the outside. Logs what only we can repair, with its traceback."""
    if isinstance(error, ApiError):
        return _with_retry(error.status, error.code, error.message, error.retry_after, field=error.field)
    if isinstance(error, DatabaseUnavailable):
        return _with_retry(503, "unavailable", error.message, error.retry_after)
    if isinstance(error, CommitUnknown):
        return _with_retry(504, "outcome_unknown", error.message, None)
    if isinstance(error, contract.SchedulingError):
        return _of_scheduling(error)
    if isinstance(error, HTTPException):
        return _of_http(error)
    return _internal(error)


def _of_scheduling(error: contract.SchedulingError) -> Problem:
    if isinstance(error, contract.Unauthenticated | contract.NotOwner):
        # Between the two services, and no fault of the person who asked.
        _log.error("scheduling refused us", exc_info=error, extra=_fields())
        return _with_retry(503, "unavailable", "Scheduling is not available at the moment. Nothing was done.", 5)
    details = error.details()
    retry_after = details.pop("retry_after", None)
    return _with_retry(
        error.status,
        error.code,
        error.message,
        retry_after if isinstance(retry_after, int | float) else None,
        **details,
    )


def _of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    code, message = _HTTP.get(status, ("bad_request" if status < 500 else "internal_error", _HTTP[400][1]))
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    if status == 413:
        headers["Connection"] = "close"
    return Problem(status, code, message, codec.problem(code, status, message), headers)


def _internal(error: Exception) -> Problem:
    _log.error("unexpected", exc_info=error, extra=_fields())
    return _with_retry(500, "internal_error", _INTERNAL, None, request_id=current_request_context().trace.request_id)


def _with_retry(status: int, code: str, message: str, retry_after: float | None, **members: Any) -> Problem:
    headers = {} if retry_after is None else {"Retry-After": str(max(1, math.ceil(retry_after)))}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    details = codec.problem(code, status, message, retry_after=retry_after, **members)
    return Problem(status, code, message, details, headers)


def _as_json(problem: Problem) -> Response:
    body = msgspec.json.encode(problem.members)
    return Response(body, problem.status, problem.headers, content_type=codec.PROBLEM_TYPE)


def _fields() -> dict[str, object]:
    context = current_request_context()
    return {
        "fields": {
            "request_id": context.trace.request_id,
            "trace_id": context.trace.trace_id,
            "module": context.module,
            "endpoint": context.endpoint,
        }
    }
