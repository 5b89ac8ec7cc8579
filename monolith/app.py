"""The Flask application, created from the parts that `wiring.py` builds."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from contracts.chassis.http_constants import MAX_REQUEST_BYTES
from contracts.chassis.readiness import Readiness
from contracts.chassis.served_application import ServedApplication
from monolith.application import Application
from monolith.shared.endpoints.routes import add_endpoints
from monolith.shared.middleware.errors import register_error_handlers
from monolith.shared.middleware.flask_sessions import NoSessions
from monolith.shared.middleware.request_filter import RequestFilter
from monolith.shared.middleware.request_logging import RequestLogging
from monolith.shared.telemetry.operating import operating_routes


class _Views(Flask):
    """Skips Flask's check for coroutine views at every request, because there are none."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(parts: Application) -> Flask:
    """Create the application. Opens no connection and reads no environment, so it can run before a fork."""
    app = _Views("monolith", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.session_interface = NoSessions()
    RequestFilter(parts.public_url, parts.metrics).install(app)
    register_error_handlers(app, parts.error_page, parts.error_converters, parts.on_problem)
    ready = Readiness(parts.checks)
    app.register_blueprint(operating_routes(parts.metrics, parts.metrics_token, ready))
    ServedApplication(classify=parts.classify, readiness=ready, on_refused=parts.metrics.request_refused).attach(
        app.extensions
    )
    add_endpoints(app, parts.endpoints, parts.authorizer, parts.public_url, parts.api)
    for page in parts.pages:
        app.register_blueprint(page)
    app.wsgi_app = RequestLogging(  # type: ignore[method-assign]
        app.wsgi_app, parts.metrics, parts.public_url, seconds=parts.request_seconds
    )
    return app
