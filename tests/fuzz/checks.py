"""Requests that Schemathesis generates from an OpenAPI document, and what every response to them must satisfy."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, BaseSchema, Case, CheckFunction, GenerationMode, Response
from schemathesis.core.result import Ok
from schemathesis.errors import FailureGroup
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.hypothesis_profiles import examples

REQUESTS = 2
"""Generated requests for each operation, in each generation mode; ten times as many in a random search."""
OVERLOADED = (503, 504)
"""Documented responses to more requests than the server can execute within their deadlines."""
TOO_LONG, LONGEST_PATH = 414, 4_000
"""HTTP's own refusal, which documents leave out: the server reads request lines of up to 4,094 bytes."""

AnyCase = Case[Any]
Send = Callable[[AnyCase], Response]


def no_internal_error(ctx: Any, response: Response, case: AnyCase) -> None:
    """Check that the request caused no internal error."""
    assert response.status_code < 500 or response.status_code in OVERLOADED, response.text


CHECKS: list[CheckFunction] = [
    no_internal_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def use_known(case: AnyCase, known: Mapping[str, str]) -> None:
    """Replace the path parameters with these names by identifiers that exist."""
    case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})


def violations(schema: BaseSchema, send: Send) -> Iterator[str]:
    """Yield, for each operation with a response that violates the document, the smallest request found."""
    for found in schema.get_all_operations():
        assert isinstance(found, Ok), f"the document is invalid: {found.err()}"
        operation = found.ok()
        for mode in GenerationMode:
            try:
                _search(operation, mode, send)
            except (FailureGroup, AssertionError) as violation:
                yield f"{operation.label}, {mode} data: {violation}"


def _search(operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, send: Send) -> None:
    """Raise FailureGroup for a violation. An operation without parameters and body has no negative data.

    Without feedback, the requests do not depend on constants in the modules that happen to be imported.
    """

    @examples(REQUESTS, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode, feedback=NO_FEEDBACK))
    def responses_satisfy_the_checks(case: AnyCase) -> None:
        response = send(case)
        if response.status_code == TOO_LONG:
            assert len(str(response.request.path_url)) > LONGEST_PATH, response.text
        else:
            case.validate_response(response, checks=CHECKS)

    with suppress(*([Unsatisfiable] if mode.is_negative else [])):
        responses_satisfy_the_checks()
