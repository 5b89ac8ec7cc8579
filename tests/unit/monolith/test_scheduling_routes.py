"""The public API has one endpoint per public operation, with its access rule, path, fields and key."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import msgspec
import pytest

from contracts.chassis.deadline import Deadline
from contracts.chassis.decoding import typed_query
from contracts.chassis.trace import new_trace
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import InvalidRequest
from contracts.scheduling.operations import AnyOperation, Operation, Q, R, operation_of
from contracts.scheduling.port import OPERATIONS, SchedulingPort
from monolith.modules.scheduling import routes
from monolith.modules.scheduling.routes import endpoints
from monolith.shared.database import new_id
from monolith.shared.endpoints import Access, AnyEndpoint, BusinessRef, Call, Principal
from monolith.shared.endpoints.openapi import document

NOT_OFFERED = {"open_business", "update_business", "get_business", "settle"}
OFFERED = [operation for operation in OPERATIONS if operation.name not in NOT_OFFERED]
ACCESS = {"anonymous": Access.PUBLIC, "customer": Access.MEMBER, "staff": Access.STAFF}
SALON = BusinessRef(new_id(), "salon", "Salon", "UTC", "EUR")
CUSTOMER = Principal(new_id(), "user", {SALON.business_id: "customer"})
STARTS = "2030-05-06T09:00:00Z"
ID = "019a0000-0000-7000-8000-000000000001"


class RecordingPort(SchedulingPort):
    """Records the last request and its context."""

    request: Any = None
    context: CallContext

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        self.request, self.context = request, ctx
        reply: R = None  # type: ignore[assignment]
        return reply


@pytest.fixture
def port() -> RecordingPort:
    return RecordingPort()


def endpoint(port: RecordingPort, operation: AnyOperation) -> AnyEndpoint:
    return next(each for each in endpoints(port, lambda *_: {}) if each.name == operation.name)


def ask(port: RecordingPort, method: Callable[..., Any], said: dict[str, Any], **path: str) -> Any:
    """Return the port's request for a body or query that a customer sends."""
    at = endpoint(port, operation_of(method))
    body = msgspec.convert(said, at.body) if at.body else None
    query = msgspec.convert(typed_query(said, at.query), at.query) if at.query else None
    call: Call[Any] = Call(
        body, query, {"slug": "salon"} | path, CUSTOMER, SALON, new_trace(), Deadline.after(1), "key", "127.0.0.1"
    )
    at.handler(call)
    return port.request


def test_every_public_operation_has_an_endpoint(port: RecordingPort) -> None:
    assert sorted(each.name for each in endpoints(port, lambda *_: {})) == sorted(
        operation.name for operation in OFFERED
    )


def test_operation_for_the_system_only_must_be_listed_as_not_public(
    port: RecordingPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "_NOT_PUBLIC", frozenset({"open_business", "update_business", "get_business"}))
    with pytest.raises(RuntimeError, match="settle has no access rule"):
        endpoints(port, lambda *_: {})


@pytest.mark.parametrize("operation", OFFERED, ids=lambda operation: operation.name)
def test_endpoint_has_the_access_and_route_of_its_operation(port: RecordingPort, operation: AnyOperation) -> None:
    at = endpoint(port, operation)
    assert at.access == next(access for actor, access in ACCESS.items() if actor in operation.actors)
    assert (at.method, at.path) == (operation.method, "/businesses/{slug}" + operation.path.removeprefix("/v1"))
    assert at.status == operation.status
    assert at.needs_key == (operation.method == "POST")
    assert (at.body is not None, at.query is not None) == (operation.writes, not operation.writes)


@pytest.mark.parametrize("operation", OFFERED, ids=lambda operation: operation.name)
def test_every_request_field_has_exactly_one_location(port: RecordingPort, operation: AnyOperation) -> None:
    at = endpoint(port, operation)
    model = at.body or at.query
    assert model is not None
    in_path = {name for name in operation.request.__struct_fields__ if f"{{{name}}}" in at.path}
    assert set(model.__struct_fields__) | in_path == set(operation.request.__struct_fields__)
    assert not set(model.__struct_fields__) & in_path


FOR_A_CUSTOMER: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (SchedulingPort.book, {"offering_id": ID, "starts_at": STARTS}),
    (SchedulingPort.hold, {"offering_id": ID, "starts_at": STARTS}),
    (
        SchedulingPort.book_series,
        {"offering_id": ID, "provider_id": ID, "starts_at": STARTS, "recurrence": {"every": "week", "count": 3}},
    ),
    (
        SchedulingPort.book_visit,
        {"starts_at": STARTS, "items": [{"offering_id": ID}, {"offering_id": ID}]},
    ),
    (SchedulingPort.join_waitlist, {"offering_id": ID, "start": STARTS, "end": "2030-05-07T09:00:00Z"}),
]


@pytest.mark.parametrize(("method", "said"), FOR_A_CUSTOMER, ids=lambda each: getattr(each, "__name__", ""))
def test_default_customer_is_the_caller(port: RecordingPort, method: Callable[..., Any], said: dict[str, Any]) -> None:
    assert ask(port, method, said).customer_id == CUSTOMER.user_id
    assert ask(port, method, said | {"customer_id": ID}).customer_id == UUID(ID)
    assert type(port.request) is operation_of(method).request
    assert (port.context.actor.kind, port.context.idempotency_key) == ("customer", "key")


def test_path_fields_are_part_of_the_request(port: RecordingPort) -> None:
    asked = ask(port, SchedulingPort.set_date_override, {"mode": "close"}, provider_id=ID, date="2030-02-28")
    assert (str(asked.provider_id), str(asked.date)) == (ID, "2030-02-28")
    with pytest.raises(InvalidRequest) as refused:
        ask(port, SchedulingPort.set_date_override, {"mode": "close"}, provider_id=ID, date="2030-02-29")
    assert refused.value.field == "date"


def test_rules_between_fields_apply_with_path_fields(port: RecordingPort) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(
            port,
            SchedulingPort.list_date_overrides,
            {"first": "2030-02-28", "last": "2030-02-27"},
            provider_id=ID,
        )
    assert refused.value.field == "last"


def test_query_lists_use_commas_as_documented(port: RecordingPort) -> None:
    said = {"offering_id": ID, "start": STARTS, "end": "2030-05-07T09:00:00Z"}
    asked = ask(
        port,
        SchedulingPort.search_slots,
        said | {"provider_ids": f"{ID},{CUSTOMER.user_id}", "by_day": "true"},
    )
    assert asked.provider_ids == (UUID(ID), CUSTOMER.user_id)
    assert asked.by_day is True
    described = msgspec.json.decode(document(endpoints(port, lambda *_: {}), "https://book.example"))
    parameters = described["paths"]["/businesses/{slug}/slots"]["get"]["parameters"]
    listed = next(each for each in parameters if each["name"] == "provider_ids")
    assert (listed["schema"]["type"], listed["style"], listed["explode"]) == ("array", "form", False)
    assert [each["name"] for each in parameters if "explode" in each] == ["provider_ids"]
    book = described["components"]["schemas"]["Book"]
    assert "customer_id" not in book["required"]
    assert "Customers omit it" in book["properties"]["customer_id"]["description"]
