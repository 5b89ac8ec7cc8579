"""The OpenAPI document matches the code, and the golden copy matches the document."""

import json
import re
from itertools import chain

import pytest

from contracts.chassis.http_constants import JSON_TYPE
from contracts.scheduling import codec, errors
from contracts.scheduling.openapi import GOLDEN, document, rendered
from contracts.scheduling.operations import AnyOperation
from contracts.scheduling.port import OPERATIONS
from tests.contract.compatibility.schema_fit import Json, follow

DOCUMENT = document()


def described(operation: AnyOperation) -> Json:
    found: Json = DOCUMENT["paths"][operation.path][operation.method.lower()]
    return found


def test_the_golden_copy_is_current() -> None:
    assert GOLDEN.read_text() == rendered(), "run `python -m contracts.scheduling.openapi` and read the difference"


def test_every_operation_is_described_once() -> None:
    names = [each["operationId"] for path in DOCUMENT["paths"].values() for each in path.values()]
    assert sorted(names) == sorted(operation.name for operation in OPERATIONS)


def test_every_reference_leads_somewhere() -> None:
    for target in re.findall(r'"\$ref": "([^"]+)"', rendered()):
        assert follow({"$ref": target}, DOCUMENT), target


def test_every_component_is_used() -> None:
    text = rendered()
    for kind in ("schemas", "parameters", "headers"):
        for name in DOCUMENT["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in text, name


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_field_of_a_request_has_one_location(operation: AnyOperation) -> None:
    named = [each for each in described(operation)["parameters"] if "$ref" not in each]
    body = described(operation).get("requestBody")
    schema = follow(body["content"][JSON_TYPE]["schema"], DOCUMENT) if body else {"properties": {}}
    names = [each["name"] for each in named] + list(schema["properties"])
    assert sorted(names) == sorted(operation.request.__struct_fields__)
    assert [each["name"] for each in named if each["in"] == "path"] == re.findall(r"{(\w+)}", operation.path)
    assert not operation.writes or not [each for each in named if each["in"] == "query"]
    assert body is None or schema["additionalProperties"] is False


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_writes_require_a_key_and_reads_do_not(operation: AnyOperation) -> None:
    headers = [each["$ref"].rsplit("/")[-1] for each in described(operation)["parameters"] if "$ref" in each]
    assert ("IdempotencyKey" in headers) == operation.writes
    assert {"TimeLeftMs", "TraceParent", "RequestId"} <= set(headers)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_error_is_listed_under_its_status(operation: AnyOperation) -> None:
    responses = described(operation)["responses"]
    for error in operation.errors:
        assert f"`{error.code}`" in follow(responses[str(error.status)], DOCUMENT)["description"]
    assert set(responses) == {str(operation.status), *(str(error.status) for error in operation.errors)}


def test_every_error_can_happen_somewhere() -> None:
    assert set(chain.from_iterable(operation.errors for operation in OPERATIONS)) == set(errors.CONCRETE)


def test_error_details_match_their_schema() -> None:
    for error in errors.CONCRETE:
        schema = DOCUMENT["components"]["schemas"][error.__name__]
        own = [name for name in schema["properties"] if name not in ("title", "status", "detail", "code")]
        example = error("Something happened.", **dict.fromkeys(own, 1))
        sent = json.loads(codec.encode_error(example))
        assert set(schema["required"]) <= set(sent) <= set(schema["properties"])
