"""Responses: a body with its length, problem details for every error, and the trace they belong to."""

import math

import msgspec
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from contracts.chassis.trace import Trace
from contracts.scheduling import codec
from contracts.scheduling.errors import SchedulingError, Unauthenticated, Unavailable

_CODES = {
    404: ("no_such_path", "There is nothing at this path."),
    405: ("method_not_allowed", "This path does not have this method."),
    413: ("body_too_large", f"The body may have at most {codec.MAX_REQUEST_BYTES} bytes."),
    415: ("unsupported_media_type", f"Send the body as {codec.JSON_TYPE}."),
    500: ("internal", "The service failed; its log says why."),
}
"""Answers that are not of the contract: a caller that keeps to the contract never sees them."""


def success(status: int, body: bytes) -> Response:
    return Response(body, status, content_type=codec.JSON_TYPE)


def failure(error: SchedulingError) -> Response:
    response = Response(codec.encode_error(error), error.status, content_type=codec.PROBLEM_TYPE)
    if isinstance(error, Unavailable):
        response.headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    elif isinstance(error, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def http_problem(error: HTTPException) -> Response:
    """For an error of HTTP itself, with the headers that belong to it (a 405 names what is allowed)."""
    status = error.code or 500
    code, message = _CODES.get(status, ("bad_request", "The request could not be read."))
    headers = [(name, value) for name, value in error.get_headers() if name.lower() != "content-type"]
    body = msgspec.json.encode(codec.problem(code, status, message))
    return Response(body, status, headers, content_type=codec.PROBLEM_TYPE)


def add_trace(response: Response, trace: Trace) -> None:
    response.headers[codec.TRACEPARENT] = trace.header()
    response.headers[codec.REQUEST_ID] = trace.request_id
