"""The outermost layer: begins the exchange, adds the headers that every answer carries, measures and logs it."""

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from monolith.shared.middleware.exchange import Exchange
from monolith.shared.middleware.headers import data_headers, page_headers
from monolith.shared.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_log = logging.getLogger("monolith.request")


class Observing:
    """Wraps the application. A request has `seconds` for all it does."""

    def __init__(self, app: "WSGIApplication", metrics: Metrics, public_url: str, *, seconds: float) -> None:
        self._app = app
        self._metrics = metrics
        self._page_headers = page_headers(public_url)
        self._data_headers = data_headers(public_url)
        self._seconds = seconds

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        exchange = Exchange(environ, self._seconds)
        is_data = environ.get("PATH_INFO", "").startswith("/api/")
        security_headers = self._data_headers if is_data else self._page_headers

        def begin(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            exchange.status = int(status[:3])
            headers.append(("X-Request-Id", exchange.trace.request_id))
            headers.extend(security_headers)
            return start_response(status, headers, exc_info)

        try:
            return self._app(environ, begin)
        finally:
            self._end(exchange, environ)

    def _end(self, exchange: Exchange, environ: "WSGIEnvironment") -> None:
        seconds = time.perf_counter() - exchange.started
        cpu_seconds = time.thread_time() - exchange.cpu_started
        self._metrics.ended(exchange.module, exchange.endpoint, exchange.status, seconds, cpu_seconds)
        if _log.isEnabledFor(logging.INFO):
            _log.info("request", extra={"fields": _fields(exchange, environ, seconds)})


def _fields(exchange: Exchange, environ: "WSGIEnvironment", seconds: float) -> dict[str, object]:
    return {
        "request_id": exchange.trace.request_id,
        "trace_id": exchange.trace.trace_id,
        "module": exchange.module,
        "endpoint": exchange.endpoint,
        "method": environ["REQUEST_METHOD"][:20],
        "path": environ.get("PATH_INFO", "")[:200],
        "status": exchange.status,
        "ms": round(seconds * 1000, 3),
    }
