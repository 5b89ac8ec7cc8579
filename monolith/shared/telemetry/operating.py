"""What those who run the process ask of it: `/healthz`, `/readyz`, `/metrics`."""

import hmac
from collections.abc import Sequence

import msgspec
from flask import Blueprint, Response, abort, request

from monolith.shared.telemetry.metrics import Metrics
from monolith.shared.telemetry.readiness import Check, what_is_missing

_EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"


def operating_routes(metrics: Metrics, metrics_token: str, checks: Sequence[Check]) -> Blueprint:
    """`/healthz` says that the process answers, `/readyz` that it can work; `/metrics` exists for its token only."""
    blueprint = Blueprint("operating", __name__)
    expected = f"Bearer {metrics_token}".encode()

    @blueprint.get("/healthz")
    def health() -> Response:
        return _json({"status": "ok"}, 200)

    @blueprint.get("/readyz")
    def readiness() -> Response:
        missing = what_is_missing(list(checks))
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
