"""The parts of the web application, which `wiring.py` builds for `app.py`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from flask import Blueprint

from contracts.chassis.admission import RequestClass
from contracts.chassis.problem import Problem
from contracts.chassis.readiness import Check
from monolith.shared.endpoints import AnyEndpoint
from monolith.shared.endpoints.authorizer import Authorizer
from monolith.shared.endpoints.openapi import ApiDescription
from monolith.shared.middleware.errors import ErrorConverter, ErrorPage
from monolith.shared.telemetry.metrics import Metrics

REQUEST_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Everything that the web process serves. Without `error_page`, errors are always JSON."""

    public_url: str
    metrics_token: str = field(repr=False)
    metrics: Metrics
    authorizer: Authorizer
    endpoints: Sequence[AnyEndpoint]
    checks: Sequence[Check] = ()
    pages: Sequence[Blueprint] = ()
    error_page: ErrorPage | None = None
    error_converters: Sequence[ErrorConverter] = ()
    """Convert the errors that modules define."""

    on_problem: Callable[[Problem], None] = lambda problem: None
    """Called with each error response, in the context of its request."""

    api: ApiDescription | None = None
    """None for the product's own."""

    classify: Callable[[str, str, bytes], RequestClass] = lambda method, path, head: RequestClass()
    """Tells the server how important a waiting request is, from its method, path and header block."""

    request_seconds: float = REQUEST_SECONDS
    """The time budget of a request for all its calls together."""
