"""Readiness of the scheduling service, probed over HTTP as the monolith calls it."""

import http.client
from collections.abc import Callable
from urllib.parse import urlsplit

from contracts.scheduling.values import DatabaseName

_TIMEOUT_SECONDS = 3.0


def readiness_probe(
    service_url: str, registered: Callable[[DatabaseName], str | None] = lambda database: None
) -> Callable[[DatabaseName], str | None]:
    """Return a probe that reports why a database's adapter cannot serve, or None when it can.

    `registered` returns the address of a registered service, and None for that of the settings. The monolith's own
    adapter runs in the monolith and needs no probe other than its database.
    """
    return lambda database: None if database == "monolith" else probe_service(registered(database) or service_url)


def probe_service(url: str) -> str | None:
    """Return why the service at an address cannot serve; None when it can."""
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
    connection = kind(at.netloc, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", f"{at.path}/readyz")
        return connection.getresponse().status
    finally:
        connection.close()
