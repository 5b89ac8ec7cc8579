"""Routes for operators: health, readiness, metrics and the OpenAPI document."""

import hmac
from collections.abc import Sequence
from importlib import resources

from flask import Flask, abort, request
from prometheus_client import CONTENT_TYPE_LATEST
from werkzeug.wrappers import Response

from contracts.chassis.readiness import Check, Readiness
from scheduling_service.web.metrics import OperationMetrics


def add_operator_routes(app: Flask, checks: Sequence[Check], metrics: OperationMetrics, metrics_token: str) -> None:
    readiness = Readiness(checks)
    bearer = f"Bearer {metrics_token}".encode()

    def healthz() -> Response:
        return Response("ok\n", content_type="text/plain")

    def readyz() -> Response:
        missing = readiness.missing()
        text = " ".join(missing.values()) or "ready"
        return Response(f"{text}\n", 503 if missing else 200, content_type="text/plain")

    def show_metrics() -> Response:
        given = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, bearer):
            abort(404)
        return Response(metrics.exposition(), content_type=CONTENT_TYPE_LATEST)

    def openapi() -> Response:
        document = resources.files("contracts.scheduling").joinpath("openapi.json").read_bytes()
        return Response(document, content_type="application/json")

    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)
    app.add_url_rule("/metrics", "metrics", show_metrics)
    app.add_url_rule("/openapi.json", "openapi", openapi)
