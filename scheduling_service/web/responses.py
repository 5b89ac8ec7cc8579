"""HTTP responses: replies, problem details for every error, and the headers of the trace."""

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from contracts.chassis.http_constants import JSON_TYPE, MAX_REQUEST_BYTES, PROBLEM_TYPE
from contracts.chassis.problem import Problem, problem
from contracts.chassis.trace import REQUEST_ID, TRACEPARENT, Trace
from contracts.scheduling.codec import problem_of
from contracts.scheduling.errors import SchedulingError

_HTTP_ERRORS = {
    404: ("no_such_path", "Nothing exists at this path."),
    405: ("method_not_allowed", "This path does not support this method."),
    413: ("body_too_large", f"The body may have at most {MAX_REQUEST_BYTES} bytes."),
    415: ("unsupported_media_type", f"Send the body as {JSON_TYPE}."),
    500: ("internal", "The service failed; its log has the details."),
}
"""Errors outside the contract. A client that keeps to the contract never receives them."""


def success(status: int, body: bytes) -> Response:
    """Return the response for an encoded reply."""
    return Response(body, status, content_type=JSON_TYPE)


def failure(error: SchedulingError) -> Response:
    """Return the response for an error of the contract."""
    return _response(problem_of(error))


def http_problem(error: HTTPException) -> Response:
    """Return the response for an error of HTTP itself, with its own headers, such as Allow."""
    status = error.code or 500
    code, message = _HTTP_ERRORS.get(status, ("bad_request", "The request could not be read."))
    headers = {name: value for name, value in error.get_headers() if name.lower() != "content-type"}
    return _response(problem(status, code, message, headers=headers))


def add_trace(response: Response, trace: Trace) -> None:
    """Add the headers of the trace to a response."""
    response.headers[TRACEPARENT] = trace.header()
    response.headers[REQUEST_ID] = trace.request_id


def _response(failed: Problem) -> Response:
    return Response(failed.body(), failed.status, failed.headers, content_type=PROBLEM_TYPE)
