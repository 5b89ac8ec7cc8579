"""The public JSON API as an OpenAPI 3.1 document, generated from the endpoint tables."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from contracts.chassis import openapi
from contracts.chassis.field_docs import field_descriptions
from contracts.chassis.http_constants import JSON_TYPE, PROBLEM_TYPE
from contracts.chassis.openapi import PROBLEM_PROPERTIES, Json, reference, schemas_of
from monolith.shared.endpoints.authorizer import SLUG
from monolith.shared.endpoints.cookies import CookieNames
from monolith.shared.endpoints.endpoint import Access, AnyEndpoint
from monolith.shared.endpoints.error_codes import MEANINGS, errors_of
from monolith.shared.endpoints.examples import add_parameter_examples, example_of
from monolith.shared.endpoints.guide import INTRODUCTION, SHARED_FIELDS

VERSION = "1.0"
_API_TOKEN: Json = {
    "type": "http",
    "scheme": "bearer",
    "description": "For programs; an owner creates tokens with `create_token`. Each has a role in one business.",
}
_PROBLEM: Json = {
    "title": "Problem",
    "description": "Problem details (RFC 9457). Branch on `code`; some errors have members of their own.",
    "type": "object",
    "properties": {
        **PROBLEM_PROPERTIES,
        "title": {"type": "string", "description": "The code in words."},
        "status": {"type": "integer", "description": "The status of the response."},
        "code": {"type": "string", "description": "The kind of error; it never changes its meaning."},
        "detail": {"type": "string", "description": "What happened and what to do next, for a person."},
        "field": {"type": "string", "description": "The path of the input at fault."},
        "retry_after": {"type": "number", "description": "Seconds; the Retry-After header has them rounded up."},
    },
    "required": list(PROBLEM_PROPERTIES),
}
_ERROR: Json = {"description": "An error.", "content": openapi.content(reference("Problem"), PROBLEM_TYPE)}
_KEY = openapi.idempotency_key(
    "A unique value that the caller chooses for this write: repeating it with the same request within a day has one "
    "effect."
)


class ApiDescription(NamedTuple):
    """The texts of an API. `security` has the schemes by name, None for the product's; operators use `session`."""

    title: str = "Appointment booking"
    introduction: str = INTRODUCTION
    security: Mapping[str, Json] | None = None


def document(table: Sequence[AnyEndpoint], server: str, api: ApiDescription | None = None) -> bytes:
    """Return the document for the endpoints. `server` is the base URL of their paths."""
    title, introduction, security = api or ApiDescription()
    models = list(dict.fromkeys(m for endpoint in table for m in (endpoint.body, endpoint.query, endpoint.reply) if m))
    references, schemas = schemas_of(models)
    for model in _all_structs(models):
        _describe(schemas[model.__name__], model)
    by_model = dict(zip(models, references, strict=True))
    paths = openapi.paths_of((each.path, each.method, _operation(each, by_model, schemas)) for each in table)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": title, "version": VERSION, "description": introduction},
            "servers": [{"url": server}],
            "paths": paths,
            "components": {
                "schemas": schemas | {"Problem": _PROBLEM},
                "securitySchemes": security or _security_schemes(server),
            },
        }
    )


def _security_schemes(server: str) -> Json:
    cookie = {
        "type": "apiKey",
        "in": "cookie",
        "name": CookieNames.of(server).session,
        "description": "Set by `login`, for people.",
    }
    return {"session": cookie, "apiToken": _API_TOKEN}


def _operation(endpoint: AnyEndpoint, references: dict[Any, Json], schemas: Json) -> Json:
    operation: Json = {
        "operationId": endpoint.name,
        "tags": [endpoint.module],
        "summary": endpoint.summary or endpoint.name.replace("_", " ").capitalize(),
        "description": _description(endpoint),
        "security": _security(endpoint.access),
        "parameters": _parameters(endpoint, references, schemas),
        "responses": {
            str(_status(endpoint)): _response(endpoint, references),
            **{str(status): _errors(codes) for status, codes in errors_of(endpoint).items()},
            "default": _ERROR,
        },
    }
    if endpoint.body is not None:
        name = references[endpoint.body]["$ref"].rpartition("/")[2]
        needed = not endpoint.needs_key or bool(schemas[name].get("required"))
        operation["requestBody"] = openapi.request_body(references[endpoint.body], required=needed)
        operation["requestBody"]["content"][JSON_TYPE]["example"] = example_of(name, schemas)
    return operation


def _description(endpoint: AnyEndpoint) -> str:
    key = " Needs an Idempotency-Key." if endpoint.needs_key else ""
    return f"For {endpoint.required_access.value}.{key}"


def _errors(codes: Sequence[str]) -> Json:
    described = "\n\n".join(f"`{code}`: {MEANINGS[code]}" for code in codes)
    return {"description": described, "content": openapi.content(reference("Problem"), PROBLEM_TYPE)}


def _all_structs(models: Sequence[type[Any]]) -> list[type[msgspec.Struct]]:
    """Return the models, and all models that occur in them."""
    found: dict[type[msgspec.Struct], None] = {}
    waiting: list[Any] = list(msgspec.inspect.multi_type_info(models))
    while waiting:
        match waiting.pop():
            case msgspec.inspect.StructType(cls=model, fields=fields) if model not in found:
                found[model] = None
                waiting += [field.type for field in fields]
            case msgspec.inspect.Metadata(type=inner):
                waiting.append(inner)
            case msgspec.inspect.UnionType(types=inner):
                waiting += inner
            case msgspec.inspect.VarTupleType(item_type=inner):
                waiting.append(inner)
    return list(found)


def _describe(schema: Json, model: type[msgspec.Struct]) -> None:
    """Add the descriptions of fields: the model's own, or those of fields that many models share."""
    own = field_descriptions(model)
    for name, field in schema.get("properties", {}).items():
        text = own.get(name) or field.get("description") or SHARED_FIELDS.get(name)
        if text:
            field["description"] = text


def _security(access: Access) -> list[Json]:
    if access in (Access.OPERATOR, Access.VIEWER, Access.SESSION):
        return [{"session": []}]
    either: list[Json] = [{"session": []}, {"apiToken": []}]
    return [{}, *either] if access is Access.PUBLIC else either


def _parameters(endpoint: AnyEndpoint, references: dict[Any, Json], schemas: Json) -> list[Json]:
    parameters = [_path_parameter(name) for name in openapi.path_fields(endpoint.path)]
    if endpoint.query is not None:
        name = references[endpoint.query]["$ref"].rpartition("/")[2]
        parameters += openapi.query_parameters(schemas[name])
    add_parameter_examples(parameters)
    return [*parameters, _KEY] if endpoint.needs_key else parameters


def _path_parameter(name: str) -> Json:
    schema = {"type": "string", "pattern": SLUG} if name == "slug" else {"type": "string"}
    described = {"description": SHARED_FIELDS[name]} if name in SHARED_FIELDS else {}
    return openapi.parameter(name, "path", schema, required=True) | described


def _response(endpoint: AnyEndpoint, references: dict[Any, Json]) -> Json:
    if endpoint.reply is None:
        return {"description": "Done."}
    return {"description": "Done.", "content": openapi.content(references[endpoint.reply])}


def _status(endpoint: AnyEndpoint) -> int:
    return 204 if endpoint.reply is None else endpoint.status
