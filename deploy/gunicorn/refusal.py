"""Responses to requests that do not reach the application: ready-made refusals, and malformed requests."""

import random

from contracts.chassis.admission import RequestClass
from contracts.chassis.http_constants import PROBLEM_TYPE
from contracts.chassis.problem import problem

_VARIANTS = 16
_MESSAGE = "The server is busy; nothing was done. Try again in a few seconds."
_PAGE = (
    b'<!doctype html><html lang="en"><title>Busy</title><h1>The server is busy</h1>'
    b"<p>Nothing was done. Please try again in a few seconds.</p></html>"
)


def refusal(kind: RequestClass, method: str) -> bytes:
    """Return a 503 with a Retry-After between one and three seconds.

    The time is random, so that refused clients do not return together.
    """
    head, body = random.choice(_PAGES if kind.wants_page else _PROBLEMS)  # noqa: S311
    return head if method == "HEAD" else head + body


def malformed(status: int, reason: str, message: str) -> bytes:
    """Return problem details for a request that gunicorn could not read; the connection ends with them.

    `reason` is that of the status line; the code is derived from it, such as `uri_too_long`.
    """
    code = reason.lower().replace(" ", "_")
    body = problem(status, code, message or reason).body()
    return _head(f"{status} {reason}", PROBLEM_TYPE, body, "Connection: close") + body


def _response(content_type: str, body: bytes, retry_after: float) -> tuple[bytes, bytes]:
    further = (f"Retry-After: {round(retry_after)}", "Connection: keep-alive")
    return _head("503 Service Unavailable", content_type, body, *further), body


def _head(status: str, content_type: str, body: bytes, *further: str) -> bytes:
    lines = (
        f"HTTP/1.1 {status}",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        *further,
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


_WAITS = [1 + 2 * each / (_VARIANTS - 1) for each in range(_VARIANTS)]
_PROBLEMS = [
    _response(PROBLEM_TYPE, problem(503, "unavailable", _MESSAGE, retry_after=round(each, 2)).body(), each)
    for each in _WAITS
]
_PAGES = [_response("text/html; charset=utf-8", _PAGE, each) for each in _WAITS]
