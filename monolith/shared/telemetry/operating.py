"""Routes for operators: `/healthz`, `/readyz` and `/metrics`."""

import hmac

import msgspec
from flask import Blueprint, Response, abort, request

from contracts.chassis.readiness import Readiness
from monolith.shared.telemetry.metrics import Metrics

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


def operating_routes(metrics: Metrics, metrics_token: str, ready: Readiness) -> Blueprint:
    """Return the routes for operators.

    `/metrics` needs the bearer token and is 404 without it; `/readyz` gives reasons only with the token.
    """
    blueprint = Blueprint("operating", __name__)
    expected = f"Bearer {metrics_token}".encode()

    def is_operator() -> bool:
        return hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected)

    @blueprint.get("/healthz")
    def health() -> Response:
        return _json({"status": "ok"}, 200)

    @blueprint.get("/readyz")
    def readiness() -> Response:
        missing = ready.missing()
        if missing:
            reasons = {"missing": missing} if is_operator() else {}
            return _json({"status": "not ready", **reasons}, 503)
        return _json({"status": "ready"}, 200)

    @blueprint.get("/metrics")
    def exposition() -> Response:
        if not is_operator():
            abort(404)
        return Response(metrics.exposition(), content_type=_EXPOSITION)

    return blueprint


def _json(value: object, status: int) -> Response:
    return Response(msgspec.json.encode(value), status, content_type="application/json")
