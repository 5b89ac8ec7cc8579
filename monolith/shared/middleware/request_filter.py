"""What a request must satisfy before anything looks at it: the right host, and no other site behind it."""

from io import BytesIO
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.exceptions import RequestEntityTooLarge

from contracts.chassis.http_constants import MAX_REQUEST_BYTES
from monolith.shared.endpoints.errors import ApiError
from monolith.shared.middleware.request_context import current_request_context
from monolith.shared.telemetry.metrics import Metrics

UNMATCHED = ("none", "unmatched")
OPERATING_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked for by machines that know an address, not a name; they carry no session."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class RequestFilter:
    """Runs before every view, also for addresses that do not exist."""

    def __init__(self, public_url: str, metrics: Metrics) -> None:
        parts = urlsplit(public_url)
        self._host = parts.netloc.lower()
        self._origin = f"{parts.scheme}://{self._host}"
        self._metrics = metrics

    def install(self, app: Flask) -> None:
        app.before_request(self._admit)

    def _admit(self) -> None:
        context = current_request_context()
        module, _, endpoint = (request.endpoint or "").rpartition(".")
        context.module, context.endpoint = (module, endpoint) if module else UNMATCHED
        self._metrics.request_started((context.module, context.endpoint))
        environ = request.environ
        if environ.get("HTTP_HOST", "").lower() != self._host and environ.get("PATH_INFO") not in OPERATING_PATHS:
            raise ApiError(400, "unknown_host", f"This server only answers requests for {self._host}.")
        if environ["REQUEST_METHOD"] not in _SAFE_METHODS:
            self._refuse_other_sites()
        if "HTTP_TRANSFER_ENCODING" in environ:
            _measure_body()

    def _refuse_other_sites(self) -> None:
        """Cookies travel with what other sites make a browser send; browsers tell, and programs send no cookies.

        A bearer token never travels by itself, so it proves that the sender meant it.
        """
        environ = request.environ
        if "HTTP_AUTHORIZATION" in environ:
            return
        site = environ.get("HTTP_SEC_FETCH_SITE")
        origin = environ.get("HTTP_ORIGIN")
        from_here = site in ("same-origin", "none") if site is not None else origin in (None, self._origin)
        if not from_here:
            raise ApiError(403, "cross_site", "This request came from another site and was refused.")


def _measure_body() -> None:
    """A body in chunks says no length beforehand, and Werkzeug would cut it off at the limit without a word."""
    environ = request.environ
    body = environ["wsgi.input"].read(MAX_REQUEST_BYTES + 1)
    if len(body) > MAX_REQUEST_BYTES:
        raise RequestEntityTooLarge
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
