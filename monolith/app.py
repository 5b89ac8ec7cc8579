"""The Flask application, from parts that `wiring.py` built."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint, Flask

from contracts.scheduling import codec
from monolith.shared.endpoints import AnyEndpoint
from monolith.shared.endpoints.gate import Gate
from monolith.shared.endpoints.routes import add_endpoints
from monolith.shared.middleware.admission import Admission
from monolith.shared.middleware.errors import ErrorPage, answer_errors
from monolith.shared.middleware.headers import security_headers
from monolith.shared.middleware.observing import Observing
from monolith.shared.telemetry.metrics import Metrics
from monolith.shared.telemetry.operating import operating_routes
from monolith.shared.telemetry.readiness import Check

REQUEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Everything the web process serves, and what it needs for that. Without `error_page` errors are always JSON."""

    public_url: str
    metrics_token: str = field(repr=False)
    metrics: Metrics
    gate: Gate
    endpoints: Sequence[AnyEndpoint]
    checks: Sequence[Check] = ()
    pages: Sequence[Blueprint] = ()
    error_page: ErrorPage | None = None
    request_seconds: float = REQUEST_SECONDS
    """What one request may take for all its calls together."""


def create_app(parts: Application) -> Flask:
    """Neither opens a connection nor reads the environment, so a parent may build it and fork."""
    app = Flask("monolith", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = codec.MAX_REQUEST_BYTES
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    Admission(parts.public_url, parts.metrics).install(app)
    answer_errors(app, parts.error_page)
    app.register_blueprint(operating_routes(parts.metrics, parts.metrics_token, parts.checks))
    add_endpoints(app, parts.endpoints, parts.gate, parts.public_url)
    for page in parts.pages:
        app.register_blueprint(page)
    app.wsgi_app = Observing(  # type: ignore[method-assign]
        app.wsgi_app, parts.metrics, security_headers(parts.public_url), seconds=parts.request_seconds
    )
    return app
