"""Early checks of requests: host, cross-site writes, body size, and characters that no text may contain."""

from io import BytesIO
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from contracts.chassis.http_constants import MAX_REQUEST_BYTES
from monolith.shared.endpoints.errors import ApiError
from monolith.shared.middleware.request_context import current_request_context
from monolith.shared.telemetry.metrics import Metrics

UNMATCHED = ("none", "unmatched")
OPERATING_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Probes use an address instead of the host name, and carry no session."""

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORM = "application/x-www-form-urlencoded"
_FORM_WITH_FILES = "multipart/form-data"


class RequestFilter:
    """Runs before every view, and for unknown paths."""

    def __init__(self, public_url: str, metrics: Metrics) -> None:
        parts = urlsplit(public_url)
        self._host = parts.netloc.lower()
        self._origin = f"{parts.scheme}://{self._host}"
        self._metrics = metrics

    def install(self, app: Flask) -> None:
        app.before_request(self._check)

    def _check(self) -> None:
        context = current_request_context()
        module, _, endpoint = (request.endpoint or "").rpartition(".")
        context.module, context.endpoint = (module, endpoint) if module else UNMATCHED
        self._metrics.request_started((context.module, context.endpoint))
        environ = request.environ
        if environ.get("HTTP_HOST", "").lower() != self._host and environ.get("PATH_INFO") not in OPERATING_PATHS:
            raise ApiError(400, "unknown_host", f"This server only answers requests for {self._host}.")
        if environ["REQUEST_METHOD"] not in _SAFE_METHODS:
            self._refuse_cross_site_write()
        if "HTTP_TRANSFER_ENCODING" in environ:
            _measure_body()
        _refuse_zero_characters()

    def _refuse_cross_site_write(self) -> None:
        """Reject a write that another site made the browser send, because cookies are sent with it.

        Browsers send Sec-Fetch-Site or Origin; a request without both comes from a program. A bearer token is never
        sent automatically, so a request with one is accepted.
        """
        environ = request.environ
        if "HTTP_AUTHORIZATION" in environ:
            return
        site = environ.get("HTTP_SEC_FETCH_SITE")
        origin = environ.get("HTTP_ORIGIN")
        same_site = site in ("same-origin", "none") if site is not None else origin in (None, self._origin)
        if not same_site:
            raise ApiError(403, "cross_site", "This request came from another site and was refused.")


def _refuse_zero_characters() -> None:
    """Raise ApiError 400 for U+0000 in the query or a form; models refuse it in JSON, and no path with it exists.

    Postgres stores no text that has one, so a statement with it would fail.
    """
    environ = request.environ
    found = "%00" in environ.get("QUERY_STRING", "")
    if not found and environ["REQUEST_METHOD"] not in _SAFE_METHODS and request.endpoint:
        found = _form_has_zero_characters()
    if found:
        raise ApiError(400, "invalid_request", "The request contains the character U+0000, which no text may contain.")


def _form_has_zero_characters() -> bool:
    """Search the bytes where that suffices: to decode a long form takes many milliseconds, before any sign-in."""
    if request.mimetype == _FORM:
        data = request.get_data()
        return b"%00" in data or b"\0" in data
    if request.mimetype == _FORM_WITH_FILES:
        return any("\0" in text for name, values in request.form.lists() for text in (name, *values))
    return False


def _measure_body() -> None:
    """Enforce the size limit on a chunked body, which Werkzeug would silently truncate."""
    environ = request.environ
    try:
        body = environ["wsgi.input"].read(MAX_REQUEST_BYTES + 1)
    except Exception as error:  # The server's parser has several.
        raise ClientDisconnected from error
    if len(body) > MAX_REQUEST_BYTES:
        raise RequestEntityTooLarge
    environ["wsgi.input"] = BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
