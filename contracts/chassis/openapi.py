"""Building blocks of OpenAPI 3.1 documents that are generated from tables of operations and msgspec models."""

import re
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from contracts.chassis.http_constants import IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_PATTERN, JSON_TYPE

Json = dict[str, Any]

PROBLEM_PROPERTIES: Json = {
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string"},
    "code": {"type": "string"},
}
"""The members that all problem details have (RFC 9457)."""


def reference(name: str, kind: str = "schemas") -> Json:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def schemas_of(types: Iterable[Any]) -> tuple[list[Json], Json]:
    """Return the schemas of types, and the components that they refer to, by name."""
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return list(schemas), components


def content(schema: Json, media_type: str = JSON_TYPE) -> Json:
    """Return the content of a request body or a response."""
    return {media_type: {"schema": schema}}


def request_body(schema: Json, *, required: bool = True) -> Json:
    """Return a JSON body."""
    return {"required": required, "content": content(schema)}


def path_fields(path: str) -> list[str]:
    """Return the names of the fields in a path, in order."""
    return re.findall(r"{(\w+)}", path)


def paths_of(operations: Iterable[tuple[str, str, Json]]) -> Json:
    """Return the paths object of (path, HTTP method, operation) rows, in the order of the rows."""
    paths: Json = {}
    for path, method, described in operations:
        paths.setdefault(path, {})[method.lower()] = described
    return paths


def parameter(name: str, location: Literal["path", "query"], schema: Json, *, required: bool) -> Json:
    """Return a parameter. It is left out to say null; a list is separated by commas."""
    kind = _without_null(schema)
    listed = {"style": "form", "explode": False} if kind.get("type") == "array" else {}
    described = {"description": schema["description"]} if "description" in schema else {}
    return {"name": name, "in": location, "required": required, **described, "schema": kind, **listed}


def query_parameters(model: Json, *, without: Iterable[str] = ()) -> list[Json]:
    """Return a query parameter for each field of a model's schema."""
    required, left_out = model.get("required", ()), set(without)
    return [
        parameter(name, "query", field, required=name in required)
        for name, field in model["properties"].items()
        if name not in left_out
    ]


def header(name: str, description: str, schema: Json, *, required: bool = False) -> Json:
    """Return a header parameter."""
    return {"name": name, "in": "header", "required": required, "description": description, "schema": schema}


def idempotency_key(description: str) -> Json:
    """Return the parameter for the required idempotency key."""
    return header(IDEMPOTENCY_KEY, description, {"type": "string", "pattern": IDEMPOTENCY_KEY_PATTERN}, required=True)


def _without_null(schema: Json) -> Json:
    alternatives = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    return alternatives[0] if len(alternatives) == 1 else schema
