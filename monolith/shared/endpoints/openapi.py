"""The JSON API as an OpenAPI 3.1 document, made from the table."""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from contracts.chassis.http_constants import IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_PATTERN, JSON_TYPE, PROBLEM_TYPE
from monolith.shared.endpoints.authorizer import SESSION_COOKIE, SLUG
from monolith.shared.endpoints.endpoint import Access, AnyEndpoint

Json = dict[str, Any]

VERSION = "1.0"
_SECURITY: Json = {
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": SESSION_COOKIE,
        "description": "Set by `login`, for people.",
    },
    "apiToken": {
        "type": "http",
        "scheme": "bearer",
        "description": "For programs; an owner makes them with `create_token`. Each has a role in one business.",
    },
}
_PROBLEM: Json = {
    "title": "Problem",
    "description": "Problem details (RFC 9457). Branch on `code`; some errors have members of their own.",
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened and what to do next, for a person."},
        "code": {"type": "string"},
        "field": {"type": "string", "description": "The path of the input at fault."},
        "retry_after": {"type": "number", "description": "Seconds; the Retry-After header has them rounded up."},
    },
    "required": ["title", "status", "detail", "code"],
}
_ERROR: Json = {
    "description": "An error.",
    "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}
_KEY: Json = {
    "name": IDEMPOTENCY_KEY,
    "in": "header",
    "required": True,
    "description": "The caller's own name for this write: repeating it with the same request has one effect.",
    "schema": {"type": "string", "pattern": IDEMPOTENCY_KEY_PATTERN},
}


def document(table: Sequence[AnyEndpoint], server: str) -> bytes:
    """The document for these endpoints. `server` is the URL that their paths begin after."""
    models = [model for endpoint in table for model in (endpoint.body, endpoint.query, endpoint.reply) if model]
    references, schemas = msgspec.json.schema_components(
        list(dict.fromkeys(models)), ref_template="#/components/schemas/{name}"
    )
    by_model = dict(zip(dict.fromkeys(models), references, strict=True))
    paths: Json = {}
    for endpoint in table:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, by_model, schemas)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Appointment booking", "version": VERSION},
            "servers": [{"url": server}],
            "paths": paths,
            "components": {"schemas": schemas | {"Problem": _PROBLEM}, "securitySchemes": _SECURITY},
        }
    )


def _operation(endpoint: AnyEndpoint, references: dict[Any, Json], schemas: Json) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "tags": [endpoint.module],
        "summary": endpoint.summary or endpoint.name.replace("_", " ").capitalize(),
        "description": f"For {endpoint.access.value}.",
        "security": _security(endpoint.access),
        "parameters": _parameters(endpoint, references, schemas),
        "responses": {str(_status(endpoint)): _answer(endpoint, references), "default": _ERROR},
    }
    if endpoint.body is not None:
        content = {JSON_TYPE: {"schema": references[endpoint.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _security(access: Access) -> list[Json]:
    if access is Access.OPERATOR:
        return [{"session": []}]
    either: list[Json] = [{"session": []}, {"apiToken": []}]
    return [{}, *either] if access is Access.PUBLIC else either


def _parameters(endpoint: AnyEndpoint, references: dict[Any, Json], schemas: Json) -> list[Json]:
    parameters = [_in_path(name) for name in re.findall(r"{(\w+)}", endpoint.path)]
    if endpoint.query is not None:
        schema = schemas[references[endpoint.query]["$ref"].rpartition("/")[2]]
        required = schema.get("required", [])
        parameters += [_in_query(name, name in required, field) for name, field in schema["properties"].items()]
    return [*parameters, _KEY] if endpoint.needs_key else parameters


def _in_query(name: str, required: bool, field: Json) -> Json:
    schema = _without_null(field)
    # A list stands in one field of the query, with commas.
    listed = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
    return {"name": name, "in": "query", "required": required, "schema": schema, **listed}


def _in_path(name: str) -> Json:
    schema: Json = {"type": "string", "pattern": SLUG} if name == "slug" else {"type": "string"}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _without_null(schema: Json) -> Json:
    """A query says None by leaving the field out."""
    alternatives = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    return alternatives[0] if len(alternatives) == 1 else schema


def _answer(endpoint: AnyEndpoint, references: dict[Any, Json]) -> Json:
    if endpoint.reply is None:
        return {"description": "Done."}
    return {"description": "Done.", "content": {JSON_TYPE: {"schema": references[endpoint.reply]}}}


def _status(endpoint: AnyEndpoint) -> int:
    return 204 if endpoint.reply is None else endpoint.status
