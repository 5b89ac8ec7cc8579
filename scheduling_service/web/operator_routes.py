"""Routes for operators: health, readiness, metrics and the OpenAPI document."""

import hmac
from importlib import resources

from flask import Flask, abort, request
from prometheus_client import CONTENT_TYPE_LATEST
from werkzeug.wrappers import Response

from contracts.chassis.readiness import Readiness
from scheduling_service.web.metrics import OperationMetrics


def add_operator_routes(app: Flask, readiness: Readiness, metrics: OperationMetrics, metrics_token: str) -> None:
    """Add the routes. `/metrics` needs the bearer token, and `/readyz` gives reasons only with it."""
    bearer = f"Bearer {metrics_token}".encode()

    def is_operator() -> bool:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), bearer)

    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain")

    def readyz() -> Response:
        missing = readiness.missing()
        text = "ready" if not missing else " ".join(missing.values()) if is_operator() else "not ready"
        return Response(f"{text}\n", 503 if missing else 200, content_type="text/plain")

    def show_metrics() -> Response:
        if not is_operator():
            abort(404)
        return Response(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)

    def openapi() -> Response:
        document = resources.files("contracts.scheduling").joinpath("openapi.json").read_bytes()
        return Response(document, content_type="application/json")

    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", show_metrics)
    app.add_url_rule("/openapi.json", "openapi", openapi)
