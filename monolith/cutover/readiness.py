"""Whether the scheduling service serves, asked as the monolith will ask it: over HTTP."""

import http.client
from collections.abc import Callable
from urllib.parse import urlsplit

from contracts.scheduling.values import DatabaseName

_ANSWER_SECONDS = 3.0


def readiness_probe(service_url: str) -> Callable[[DatabaseName], str | None]:
    """Why a side would not serve a business, in words; None when it would. The monolith's own side is in the process
    that serves it, and is asked by its database alone."""
    return lambda side: None if side == "monolith" else _service_answers(service_url)


def _service_answers(url: str) -> str | None:
    if not url:
        return "SCHEDULING_SERVICE_URL is not set"
    try:
        status = _status(url)
    except (OSError, http.client.HTTPException) as error:
        return f"{url} does not answer ({type(error).__name__})"
    return None if status == http.HTTPStatus.OK else f"{url}/readyz answers {status}"


def _status(url: str) -> int:
    at = urlsplit(url)
    kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
    connection = kind(at.netloc, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", f"{at.path}/readyz")
        return connection.getresponse().status
    finally:
        connection.close()
