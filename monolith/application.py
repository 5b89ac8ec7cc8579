"""What `wiring.py` hands over to `app.py`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Blueprint

from contracts.chassis.readiness import Check
from monolith.shared.endpoints import AnyEndpoint
from monolith.shared.endpoints.authorizer import Authorizer
from monolith.shared.middleware.errors import ErrorPage
from monolith.shared.telemetry.metrics import Metrics

REQUEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Everything the web process serves, and what it needs for that. Without `error_page` errors are always JSON."""

    public_url: str
    metrics_token: str = field(repr=False)
    metrics: Metrics
    authorizer: Authorizer
    endpoints: Sequence[AnyEndpoint]
    checks: Sequence[Check] = ()
    pages: Sequence[Blueprint] = ()
    error_page: ErrorPage | None = None
    request_seconds: float = REQUEST_SECONDS
    """What one request may take for all its calls together."""
