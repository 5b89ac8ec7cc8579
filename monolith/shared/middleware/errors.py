"""Error responses: problem details (RFC 9457) for programs, a page for people; never a traceback."""

import logging
from collections.abc import Callable, Sequence

from flask import Flask, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from contracts.chassis.http_constants import MAX_REQUEST_BYTES, PROBLEM_TYPE
from contracts.chassis.problem import Problem, problem
from monolith.shared.database import CommitUnknown, DatabaseUnavailable
from monolith.shared.endpoints.errors import ApiError
from monolith.shared.middleware.request_context import current_request_context

_log = logging.getLogger("monolith.error")
_BAD_REQUEST = "The request could not be understood."
_HTTP_ERRORS = {
    400: ("bad_request", _BAD_REQUEST),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not support this method."),
    413: ("body_too_large", f"The body may be at most {MAX_REQUEST_BYTES // 1024} kB."),
}
_INTERNAL = "Something went wrong on our side. It has been logged; please try again later."


ErrorPage = Callable[[Problem], str]
"""Renders a problem as a complete HTML page. It must not raise."""

ErrorConverter = Callable[[Exception], Problem | None]
"""Converts the errors of a module; returns None for any other."""


def register_error_handlers(
    app: Flask,
    error_page: ErrorPage | None,
    converters: Sequence[ErrorConverter] = (),
    on_problem: Callable[[Problem], None] = lambda problem: None,
) -> None:
    """Answer errors with problem details under /api/, and with `error_page`, if there is one, elsewhere.

    `on_problem` is called with each, in the context of its request.
    """

    def answer(error: Exception) -> ResponseReturnValue:
        if isinstance(error, RequestRedirect):
            return error
        failed = problem_of(error, converters)
        on_problem(failed)
        if error_page is None or request.path.startswith("/api/"):
            return _as_json(failed)
        page, headers = error_page(failed), dict(failed.headers)
        return Response(page, failed.status, headers, content_type="text/html; charset=utf-8")

    app.register_error_handler(Exception, answer)


def problem_of(error: Exception, converters: Sequence[ErrorConverter] = ()) -> Problem:
    """Return the error response for an exception. Errors that only operators can resolve are logged."""
    if isinstance(error, ApiError):
        return problem(error.status, error.code, error.message, retry_after=error.retry_after, field=error.field)
    if isinstance(error, DatabaseUnavailable):
        return problem(503, "unavailable", error.message, retry_after=error.retry_after)
    if isinstance(error, CommitUnknown):
        return problem(504, "outcome_unknown", error.message)
    if isinstance(error, HTTPException):
        return _http_problem(error)
    converted = (convert(error) for convert in converters)
    return next((found for found in converted if found is not None), None) or _internal_problem(error)


def _http_problem(error: HTTPException) -> Problem:
    status = error.code or 500
    code, message = _HTTP_ERRORS.get(status, ("bad_request" if status < 500 else "internal_error", _BAD_REQUEST))
    headers = {name: value for name, value in error.get_headers() if name == "Allow"}
    if status == 413:
        headers["Connection"] = "close"
    return problem(status, code, message, headers=headers)


def _internal_problem(error: Exception) -> Problem:
    _log.error("unexpected", exc_info=error, extra=log_fields())
    return problem(500, "internal_error", _INTERNAL, request_id=current_request_context().trace.request_id)


def _as_json(failed: Problem) -> Response:
    return Response(failed.body(), failed.status, dict(failed.headers), content_type=PROBLEM_TYPE)


def log_fields() -> dict[str, object]:
    """Return the fields that identify the current request in a log record."""
    context = current_request_context()
    return {
        "fields": {
            "request_id": context.trace.request_id,
            "trace_id": context.trace.trace_id,
            "module": context.module,
            "endpoint": context.endpoint,
        }
    }
