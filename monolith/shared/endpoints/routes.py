"""Routes under /api/v1, generated from the modules' tables."""

from collections.abc import Callable, Iterable
from functools import cache

from flask import Blueprint, Flask, Response

from monolith.shared.endpoints.authorizer import Authorizer
from monolith.shared.endpoints.endpoint import AnyEndpoint
from monolith.shared.endpoints.openapi import ApiDescription, document
from monolith.shared.endpoints.view import EndpointView

PREFIX = "/api/v1"


def add_endpoints(
    app: Flask,
    endpoints: Iterable[AnyEndpoint],
    authorizer: Authorizer,
    public_url: str,
    api: ApiDescription | None = None,
) -> None:
    """Add a blueprint per module, which names routes `module.endpoint`, and the OpenAPI document."""
    table = list(endpoints)
    blueprints: dict[str, Blueprint] = {}
    for endpoint in table:
        blueprint = blueprints.setdefault(endpoint.module, Blueprint(endpoint.module, __name__, url_prefix=PREFIX))
        rule = endpoint.path.replace("{", "<").replace("}", ">")
        view = EndpointView(endpoint, authorizer)
        blueprint.add_url_rule(rule, endpoint.name, view, methods=[endpoint.method])
    for blueprint in blueprints.values():
        app.register_blueprint(blueprint)
    app.register_blueprint(_documentation(cache(lambda: document(table, public_url.rstrip("/") + PREFIX, api))))


def _documentation(openapi: Callable[[], bytes]) -> Blueprint:
    blueprint = Blueprint("api", __name__, url_prefix=PREFIX)

    @blueprint.get("/openapi.json")
    def openapi_document() -> Response:
        return Response(openapi(), content_type="application/json")

    return blueprint
