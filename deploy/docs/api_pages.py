"""Render the product's OpenAPI documents as Markdown, without starting a server."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

from contracts.scheduling import openapi
from monolith.app import create_app
from monolith.config import MonolithConfig, SigningKey
from monolith.wiring import wire

Json = dict[str, Any]


def service_document() -> Json:
    return openapi.document()


def public_document() -> Json:
    """Return the document of the public API. The application is wired, but connects to nothing for this request."""
    unreachable = "http://127.0.0.1:8000"
    config = MonolithConfig(
        database_url="postgresql://127.0.0.1:1/none",
        role_secret=secrets.token_hex(16),
        scheduling_service_url=unreachable,
        signing_key=SigningKey("docs", secrets.token_bytes(32)),
        public_url=unreachable,
        metrics_token=secrets.token_hex(16),
        scheduling_adapter="http",
    )
    reply = create_app(wire(config)).test_client().get("/api/v1/openapi.json", base_url=unreachable)
    found: Json = json.loads(reply.data)
    return found


def page(document: Json) -> str:
    """Return the document as Markdown: operations in the order of the document, then schemas by name."""
    info = document["info"]
    return "\n".join(
        [
            f"# API: {info['title']}",
            "",
            f"Version {info['version']}, generated from the code. {info.get('description', '')}",
            "",
            "## Operations",
            "",
            *_operations(document),
            "## Schemas",
            "",
            *_schemas(document["components"]["schemas"]),
        ]
    )


def _operations(document: Json) -> Iterator[str]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield from (f"### {operation['summary']}", "", f"`{method.upper()} {path}`", "")
            yield from (operation.get("description", ""), "")
            yield from _parameters(operation.get("parameters", ()))
            body = operation.get("requestBody")
            if body:
                yield from (f"Request: {_content(body)}", "")
            yield from _responses(operation["responses"])


def _parameters(parameters: Any) -> Iterator[str]:
    named = [each for each in parameters if "name" in each]
    if not named:
        return
    yield from ("| parameter | in | type | required |", "| --- | --- | --- | --- |")
    for each in named:
        required = "yes" if each.get("required") else ""
        yield f"| `{each['name']}` | {each['in']} | {_type(each['schema'])} | {required} |"
    yield ""


def _responses(responses: Json) -> Iterator[str]:
    yield from ("| status | meaning | body |", "| --- | --- | --- |")
    for status, response in responses.items():
        description = " ".join(response.get("description", "").split()).replace("|", "\\|")
        yield f"| {status} | {description} | {_content(response)} |"
    yield ""


def _content(part: Json) -> str:
    return ", ".join(_type(each["schema"]) for each in part.get("content", {}).values() if "schema" in each)


def _schemas(schemas: Json) -> Iterator[str]:
    for name in sorted(schemas):
        schema = schemas[name]
        yield from (f"### {name}", "", schema.get("description", ""), "")
        if "properties" not in schema:
            yield from (_type(schema), "")
            continue
        yield from ("| field | type | required | meaning |", "| --- | --- | --- | --- |")
        for field, value in schema["properties"].items():
            required = "yes" if field in schema.get("required", ()) else ""
            meaning = " ".join(value.get("description", "").split()).replace("|", "\\|")
            yield f"| `{field}` | {_type(value)} | {required} | {meaning} |"
        yield ""


def _type(schema: Json) -> str:
    """Describe a type in a few words; a named schema is a link to its heading."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for kind in ("anyOf", "oneOf", "allOf"):
        if kind in schema:
            return " or ".join(_type(each) for each in schema[kind])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if isinstance(schema.get("items"), dict) else "list"
    return " ".join(str(part) for part in (schema.get("type", "any"), schema.get("format", "")) if part)
