"""The Flask application: one route for each operation, and what those who run the service ask of it."""

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from contracts.chassis.database_sessions import DatabaseSessions
from contracts.chassis.http_constants import MAX_REQUEST_BYTES
from contracts.chassis.trace import REQUEST_ID, TRACEPARENT, new_trace
from contracts.scheduling.port import OPERATIONS
from scheduling_service.config import WebConfig
from scheduling_service.web import responses
from scheduling_service.web.metrics import OperationMetrics
from scheduling_service.web.operation_view import OperationView, ServedPort
from scheduling_service.web.operator_routes import add_operating_routes
from scheduling_service.web.tokens import TokenVerifier


def create_app(port: ServedPort, config: WebConfig, sessions: DatabaseSessions) -> Flask:
    """Serve `port`. Neither opens a connection nor reads the environment, so a parent may build it and fork."""
    app = Flask("scheduling_service", static_folder=None)
    # One byte more than is allowed: Werkzeug cuts a chunked body off at its limit, and does not say so.
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES + 1
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    verifier = TokenVerifier(config.verify_keys)
    metrics = OperationMetrics(config.metrics_folder, sessions)
    metrics.serving(config.threads)
    for operation in OPERATIONS:
        app.add_url_rule(
            operation.path.replace("{", "<").replace("}", ">"),
            operation.name,
            OperationView(operation, port, verifier, metrics),
            methods=[operation.method],
        )
    add_operating_routes(app, port, metrics, config.metrics_token)
    app.register_error_handler(HTTPException, _problem)
    return app


def _problem(error: Exception) -> ResponseReturnValue:
    """For what never reached an operation: an unknown path, or a method that the path does not have."""
    assert isinstance(error, HTTPException)
    trace = new_trace(request.headers.get(TRACEPARENT), request.headers.get(REQUEST_ID))
    response: Response = responses.http_problem(error)
    responses.add_trace(response, trace)
    return response
