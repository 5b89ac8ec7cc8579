"""The contract as an OpenAPI 3.1 document, made from `operations.OPERATIONS`.

`openapi.json` beside this file is its golden copy; `python -m contracts.scheduling.openapi` rewrites it. The
documents that clients in the field were built against stand in `released/`; `compatibility.py` compares.
"""

import json
import re
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec

from contracts.chassis.http_constants import JSON_TYPE
from contracts.scheduling.errors import CONCRETE
from contracts.scheduling.events import STREAM, AnyEvent
from contracts.scheduling.openapi_parts import (
    HEADERS,
    REPLY_HEADERS,
    SECURITY,
    Json,
    error_response,
    error_schema,
    reference,
    replied,
)
from contracts.scheduling.operations import AnyOperation
from contracts.scheduling.port import OPERATIONS

VERSION = "2.0"
GOLDEN = Path(__file__).with_name("openapi.json")


def document() -> Json:
    """The same document every time: order is that of the tables, and of the names among the schemas."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Scheduling",
            "version": VERSION,
            "description": "Spoken between the monolith and the scheduling service. Requests refuse unknown "
            "fields; replies, errors and events may gain fields, so clients ignore those they do not know.",
        },
        "security": [{"serviceToken": []}],
        "paths": _paths(),
        "components": {
            "schemas": dict(sorted(_component_schemas().items())),
            "responses": {error.__name__: error_response([error]) for error in CONCRETE},
            "parameters": HEADERS,
            "headers": REPLY_HEADERS,
            "securitySchemes": SECURITY,
        },
        "x-events": {"stream": STREAM, "schema": _schemas(AnyEvent)[0][0]},
    }


def rendered() -> str:
    """The text of the golden copy."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _paths() -> Json:
    paths: Json = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    return paths


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
        schema = reference(operation.request.__name__)
        described["requestBody"] = {"required": True, "content": {JSON_TYPE: {"schema": schema}}}
    return described


def _description(operation: AnyOperation) -> str:
    """Return the method's description, followed by the request's."""
    request = operation.request.__dict__.get("__doc__") or ""
    return " ".join(f"{operation.description} {request}".split())


def _parameters(operation: AnyOperation) -> list[Json]:
    """Those in the path, then those in the query, then the headers."""
    schema = _request_schema(operation)
    in_path = _path_fields(operation)
    named = [_parameter(name, "path", schema) for name in in_path]
    if not operation.writes:
        named += [_parameter(name, "query", schema) for name in schema["properties"] if name not in in_path]
    headers = [name for name in HEADERS if operation.writes or name != "IdempotencyKey"]
    return named + [reference(name, "parameters") for name in headers]


def _parameter(name: str, place: str, schema: Json) -> Json:
    kind = _without_null(schema["properties"][name])
    listed = {"style": "form", "explode": False} if kind.get("type") == "array" else {}
    return {"name": name, "in": place, "required": name in schema["required"], "schema": kind, **listed}


def _without_null(schema: Json) -> Json:
    """A query says None by leaving the parameter out."""
    alternatives = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    return alternatives[0] if len(alternatives) == 1 else schema


def _responses(operation: AnyOperation) -> Json:
    content = {JSON_TYPE: {"schema": reference(operation.reply.__name__)}}
    responses = {str(operation.status): {"description": "Done.", "headers": replied(), "content": content}}
    for status, group in groupby(operation.errors, key=lambda error: error.status):
        those = list(group)
        alone = len(those) == 1
        responses[str(status)] = reference(those[0].__name__, "responses") if alone else error_response(those)
    return responses


def _component_schemas() -> Json:
    writes = [operation for operation in OPERATIONS if operation.writes]
    nested = _schemas(*(operation.request for operation in writes))[1]
    bodies = {operation.request.__name__: _body_schema(operation) for operation in writes}
    replies = _schemas(*(operation.reply for operation in OPERATIONS), AnyEvent)[1]
    problems = {error.__name__: error_schema(error) for error in CONCRETE}
    return nested | bodies | replies | problems


def _body_schema(operation: AnyOperation) -> Json:
    """The request without the fields that travel in the path."""
    schema = _request_schema(operation)
    in_path = _path_fields(operation)
    properties = {name: field for name, field in schema["properties"].items() if name not in in_path}
    required = [name for name in schema["required"] if name not in in_path]
    return schema | {"properties": properties, "required": required}


def _request_schema(operation: AnyOperation) -> Json:
    schema: Json = _schemas(operation.request)[1][operation.request.__name__]
    return schema


def _path_fields(operation: AnyOperation) -> list[str]:
    return re.findall(r"{(\w+)}", operation.path)


def _schemas(*types: Any) -> tuple[tuple[Json, ...], Json]:
    return msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")


if __name__ == "__main__":
    GOLDEN.write_text(rendered())
