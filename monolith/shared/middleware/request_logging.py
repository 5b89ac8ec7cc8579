"""The outermost layer: creates the request context, adds response headers, measures and logs."""

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from contracts.chassis import tracing
from monolith.shared.middleware.headers import data_headers, page_headers, site_page_headers
from monolith.shared.middleware.request_context import RequestContext
from monolith.shared.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger("monolith.request")


class RequestLogging:
    """WSGI middleware around the application. `seconds` is the time budget of a request."""

    def __init__(self, app: "WSGIApplication", metrics: Metrics, public_url: str, *, seconds: float) -> None:
        self._app = app
        self._metrics = metrics
        self._page_headers = page_headers(public_url)
        self._data_headers = data_headers(public_url)
        self._seconds = seconds

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        context = RequestContext(environ, self._seconds)
        is_data = environ.get("PATH_INFO", "").startswith("/api/")
        security_headers = self._data_headers if is_data else self._page_headers

        def begin(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            context.status = int(status[:3])
            headers.append(("X-Request-Id", context.trace.request_id))
            if context.framed_by or context.pictures_from:
                headers.extend(site_page_headers(security_headers, context.framed_by, context.pictures_from))
            elif context.policy:
                headers.extend([("Content-Security-Policy", context.policy), *security_headers[1:]])
            else:
                headers.extend(security_headers)
            return start_response(status, headers, exc_info)

        try:
            if tracing.is_on():
                return self._record(context, environ, begin)
            return self._app(environ, begin)
        finally:
            self._end(context, environ)

    def _record(self, context: RequestContext, environ: "WSGIEnvironment", begin: "StartResponse") -> Iterable[bytes]:
        method = environ["REQUEST_METHOD"][:20]
        with tracing.request(method, context.trace, environ.get("HTTP_TRACEPARENT")):
            response = self._app(environ, begin)
            route = f"{context.module}.{context.endpoint}"
            tracing.annotate(
                **{"http.request.method": method, "http.route": route, "http.response.status_code": context.status}
            )
            return response

    def _end(self, context: RequestContext, environ: "WSGIEnvironment") -> None:
        seconds = time.perf_counter() - context.started
        cpu_seconds = time.thread_time() - context.cpu_started
        if context.module:  # Without a module, the request was refused before it was routed.
            route = (context.module, context.endpoint)
            self._metrics.request_finished(route, context.status, seconds, cpu_seconds)
        if _log.isEnabledFor(logging.INFO):
            _log.info("request", extra={"fields": _fields(context, environ, seconds)})


def _fields(context: RequestContext, environ: "WSGIEnvironment", seconds: float) -> dict[str, object]:
    return {
        "request_id": context.trace.request_id,
        "trace_id": context.trace.trace_id,
        "module": context.module,
        "endpoint": context.endpoint,
        "method": environ["REQUEST_METHOD"][:20],
        "path": environ.get("PATH_INFO", "")[:200],
        "status": context.status,
        "ms": round(seconds * 1000, 3),
    }
