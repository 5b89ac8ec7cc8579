"""The Flask application, from parts that `wiring.py` built."""

from collections.abc import Callable
from typing import Any

from flask import Flask

from contracts.scheduling import codec
from monolith.application import Application
from monolith.shared.endpoints.routes import add_endpoints
from monolith.shared.middleware.admission import Admission
from monolith.shared.middleware.errors import answer_errors
from monolith.shared.middleware.observing import Observing
from monolith.shared.middleware.sessions import NoSessions
from monolith.shared.telemetry.operating import operating_routes


class _Views(Flask):
    """No view is a coroutine, so none is asked at every request whether it is."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(parts: Application) -> Flask:
    """Neither opens a connection nor reads the environment, so a parent may build it and fork."""
    app = _Views("monolith", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = codec.MAX_REQUEST_BYTES
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.session_interface = NoSessions()
    Admission(parts.public_url, parts.metrics).install(app)
    answer_errors(app, parts.error_page)
    app.register_blueprint(operating_routes(parts.metrics, parts.metrics_token, parts.checks))
    add_endpoints(app, parts.endpoints, parts.gate, parts.public_url)
    for page in parts.pages:
        app.register_blueprint(page)
    app.wsgi_app = Observing(  # type: ignore[method-assign]
        app.wsgi_app, parts.metrics, parts.public_url, seconds=parts.request_seconds
    )
    return app
