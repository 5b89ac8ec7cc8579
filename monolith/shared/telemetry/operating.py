"""Routes for operators: `/healthz`, `/readyz` and `/metrics`."""

import hmac
from collections.abc import Sequence

import msgspec
from flask import Blueprint, Response, abort, request

from contracts.chassis.readiness import Check, Readiness
from monolith.shared.telemetry.metrics import Metrics

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


def operating_routes(metrics: Metrics, metrics_token: str, checks: Sequence[Check]) -> Blueprint:
    """Return the routes for operators. `/metrics` needs the bearer token and is 404 without it."""
    blueprint = Blueprint("operating", __name__)
    ready = Readiness(checks)
    expected = f"Bearer {metrics_token}".encode()

    @blueprint.get("/healthz")
    def health() -> Response:
        return _json({"status": "ok"}, 200)

    @blueprint.get("/readyz")
    def readiness() -> Response:
        missing = ready.missing()
        if missing:
            return _json({"status": "not ready", "missing": missing}, 503)
        return _json({"status": "ready"}, 200)

    @blueprint.get("/metrics")
    def exposition() -> Response:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected):
            abort(404)
        return Response(metrics.exposition(), content_type=_EXPOSITION)

    return blueprint


def _json(value: object, status: int) -> Response:
    return Response(msgspec.json.encode(value), status, content_type="application/json")
