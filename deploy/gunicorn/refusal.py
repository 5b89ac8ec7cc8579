"""Ready-made responses for refused requests."""

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


def _response(content_type: str, body: bytes, retry_after: float) -> tuple[bytes, bytes]:
    lines = (
        "HTTP/1.1 503 Service Unavailable",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
        f"Retry-After: {round(retry_after)}",
        "Cache-Control: no-store",
        "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options: nosniff",
        "Connection: keep-alive",
    )
    return ("\r\n".join(lines) + "\r\n\r\n").encode(), body


_WAITS = [1 + 2 * each / (_VARIANTS - 1) for each in range(_VARIANTS)]
_PROBLEMS = [
    _response(PROBLEM_TYPE, problem(503, "unavailable", _MESSAGE, retry_after=round(each, 2)).body(), each)
    for each in _WAITS
]
_PAGES = [_response("text/html; charset=utf-8", _PAGE, each) for each in _WAITS]
