"""The Flask application: one route per operation, and the routes for operators."""

from collections.abc import Sequence

from flask import Flask, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from contracts.chassis.http_constants import MAX_REQUEST_BYTES
from contracts.chassis.readiness import Check, Readiness
from contracts.chassis.served_application import ServedApplication
from contracts.chassis.trace import REQUEST_ID, TRACEPARENT, new_trace
from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.operations import AnyOperation
from contracts.scheduling.port import OPERATIONS
from scheduling_service.config import WebConfig
from scheduling_service.web import responses
from scheduling_service.web.metrics import OperationMetrics
from scheduling_service.web.operation_view import OperationView, ServedPort
from scheduling_service.web.operator_routes import add_operator_routes
from scheduling_service.web.request_classes import classify
from scheduling_service.web.tokens import TokenVerifier


def create_app(
    port: ServedPort,
    config: WebConfig,
    metrics: OperationMetrics,
    checks: Sequence[Check] = (),
    operations: Sequence[AnyOperation] = OPERATIONS,
) -> Flask:
    """Build the app that serves the operations of `port`, and is ready if `checks` also hold.

    Opens no connection and reads no environment, so it can precede a fork.
    """
    app = Flask("scheduling_service", static_folder=None)
    # One byte more than allowed, because Werkzeug silently truncates a chunked body at its limit.
    app.config["MAX_CONTENT_LENGTH"] = MAX_REQUEST_BYTES + 1
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.url_map.strict_slashes = True
    verifier = TokenVerifier(config.verify_keys)
    metrics.serving(config.threads)
    for operation in operations:
        app.add_url_rule(
            operation.path.replace("{", "<").replace("}", ">"),
            operation.name,
            OperationView(operation, port, verifier, metrics),
            methods=[operation.method],
        )
    readiness = Readiness([_ping_check(port), *checks])
    add_operator_routes(app, readiness, metrics, config.metrics_token)
    ServedApplication(classify=classify, readiness=readiness, on_refused=metrics.request_refused).attach(app.extensions)
    app.register_error_handler(HTTPException, _problem)
    return app


def _ping_check(port: ServedPort) -> Check:
    """Return a check that fails with the message of the error that the port's `ping` raises."""

    def missing() -> str | None:
        try:
            port.ping()
        except SchedulingError as error:
            return error.message
        return None

    return Check("Scheduling's database", missing)


def _problem(error: Exception) -> ResponseReturnValue:
    """Return the response for an unknown path, or for a method that the path does not support."""
    assert isinstance(error, HTTPException)
    trace = new_trace(request.headers.get(TRACEPARENT), request.headers.get(REQUEST_ID))
    response: Response = responses.http_problem(error)
    responses.add_trace(response, trace)
    return response
