"""The contract as an OpenAPI 3.1 document, generated from the operations of the port.

`openapi.json` is its golden copy; `python -m contracts.scheduling.openapi` regenerates it. The contract tests compare
the document with those that released clients were built with.
"""

import json
from itertools import groupby
from pathlib import Path

from contracts.chassis import openapi
from contracts.chassis.openapi import Json, path_fields, reference, schemas_of
from contracts.scheduling.errors import CONCRETE
from contracts.scheduling.events import STREAM, AnyEvent
from contracts.scheduling.openapi_parts import (
    HEADERS,
    REPLY_HEADERS,
    SECURITY,
    error_response,
    error_schema,
    reply_headers,
)
from contracts.scheduling.operations import AnyOperation
from contracts.scheduling.port import OPERATIONS

VERSION = "2.0"
GOLDEN = Path(__file__).with_name("openapi.json")


def document() -> Json:
    """Return the document. It is deterministic: operations are in the order of the port, schemas sorted by name."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Scheduling",
            "version": VERSION,
            "description": "The API between the monolith and the scheduling service. Requests reject unknown fields. "
            "Replies, errors and events may gain fields; clients must ignore unknown fields.",
        },
        "security": [{"serviceToken": []}],
        "paths": openapi.paths_of((each.path, each.method, _described(each)) for each in OPERATIONS),
        "components": {
            "schemas": dict(sorted(_component_schemas().items())),
            "responses": {error.__name__: error_response([error]) for error in CONCRETE},
            "parameters": HEADERS,
            "headers": REPLY_HEADERS,
            "securitySchemes": SECURITY,
        },
        "x-events": {"stream": STREAM, "schema": schemas_of([AnyEvent])[0][0]},
    }


def rendered() -> str:
    """Return the text of the golden copy."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _described(operation: AnyOperation) -> Json:
    described = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": _description(operation),
        "parameters": _parameters(operation),
        "responses": _responses(operation),
        "x-actors": sorted(operation.actors),
        "x-budget-ms": operation.budget_ms,
    }
    if operation.writes:
        described["requestBody"] = openapi.request_body(reference(operation.request.__name__))
    return described


def _description(operation: AnyOperation) -> str:
    """Return the method's description, followed by the request's."""
    request = operation.request.__dict__.get("__doc__") or ""
    return " ".join(f"{operation.description} {request}".split())


def _parameters(operation: AnyOperation) -> list[Json]:
    """Return the parameters in the path, then those in the query, then the headers."""
    schema, in_path = _request_schema(operation), path_fields(operation.path)
    parameters = [openapi.parameter(name, "path", schema["properties"][name], required=True) for name in in_path]
    if not operation.writes:
        parameters += openapi.query_parameters(schema, without=in_path)
    headers = [name for name in HEADERS if operation.writes or name != "IdempotencyKey"]
    return parameters + [reference(name, "parameters") for name in headers]


def _responses(operation: AnyOperation) -> Json:
    content = openapi.content(reference(operation.reply.__name__))
    responses = {str(operation.status): {"description": "Done.", "headers": reply_headers(), "content": content}}
    for status, group in groupby(operation.errors, key=lambda error: error.status):
        errors = list(group)
        alone = len(errors) == 1
        responses[str(status)] = reference(errors[0].__name__, "responses") if alone else error_response(errors)
    return responses


def _component_schemas() -> Json:
    writes = [operation for operation in OPERATIONS if operation.writes]
    nested = schemas_of([operation.request for operation in writes])[1]
    bodies = {operation.request.__name__: _body_schema(operation) for operation in writes}
    replies = schemas_of([*(operation.reply for operation in OPERATIONS), AnyEvent])[1]
    problems = {error.__name__: error_schema(error) for error in CONCRETE}
    return nested | bodies | replies | problems


def _body_schema(operation: AnyOperation) -> Json:
    """Return the schema of the request without the fields in the path."""
    schema = _request_schema(operation)
    in_path = path_fields(operation.path)
    properties = {name: field for name, field in schema["properties"].items() if name not in in_path}
    required = [name for name in schema["required"] if name not in in_path]
    return schema | {"properties": properties, "required": required}


def _request_schema(operation: AnyOperation) -> Json:
    schema: Json = schemas_of([operation.request])[1][operation.request.__name__]
    return schema


if __name__ == "__main__":
    GOLDEN.write_text(rendered())
