"""Every operation is declared once and completely: models, path, actors, errors, summary, budget and handler."""

import inspect
import re
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling import errors
from contracts.scheduling import models as m
from contracts.scheduling.context import SYSTEM, CallContext
from contracts.scheduling.errors import DeadlineExceeded, InvalidRequest
from contracts.scheduling.models import Confirm, Reply, Request
from contracts.scheduling.operations import (
    ERRORS_OF_ANY_CALL,
    ERRORS_OF_ANY_WRITE,
    AnyOperation,
    Operation,
    Q,
    R,
    operation_of,
)
from contracts.scheduling.port import OPERATIONS, SchedulingPort
from scheduling_service.engine.booking import creation
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.handlers import HandlerTable, bind_handlers
from scheduling_service.engine.rules import RulesCache
from tests.contract.strategies import models
from tests.hypothesis_profiles import examples

UNUSED = EngineDatabase("postgresql://unused")
each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)

BUSINESS = UUID(int=7)


def context() -> CallContext:
    """Return a context whose deadline is a minute from now."""
    return CallContext(
        business_id=BUSINESS, actor=SYSTEM, deadline=Deadline.after(60), trace=new_trace(), idempotency_key="k"
    )


class Recording(SchedulingPort):
    """Records its calls and returns a fixed reply."""

    def __init__(self, reply: Any = None) -> None:
        self.reply = reply
        self.calls: list[tuple[AnyOperation, CallContext, Any]] = []

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        self.calls.append((operation, ctx, request))
        reply: R = self.reply
        return reply


def methods() -> dict[str, Any]:
    every = inspect.getmembers(SchedulingPort, inspect.isfunction)
    return {name: each for name, each in every if not name.startswith("_") and name != "call"}


def test_every_method_of_the_port_declares_an_operation() -> None:
    assert {name: operation_of(method) for name, method in methods().items()} == {
        operation.name: operation for operation in OPERATIONS
    }


@each_operation
def test_an_operation_has_the_types_of_its_method(operation: AnyOperation) -> None:
    signature = inspect.signature(methods()[operation.name])
    taken = {name: each.annotation for name, each in signature.parameters.items() if name != "self"}
    assert taken == {"ctx": CallContext, "request": operation.request}
    assert signature.return_annotation is operation.reply
    assert issubclass(operation.request, Request)
    assert issubclass(operation.reply, Reply)


def test_the_engine_refuses_to_start_without_a_handler() -> None:
    table = bind_handlers(UNUSED, RulesCache())
    assert all(callable(table[operation]) for operation in OPERATIONS)
    table.require(OPERATIONS)
    with pytest.raises(RuntimeError, match=f"differ: {OPERATIONS[0].name}$"):
        table.require(OPERATIONS[1:])
    with pytest.raises(RuntimeError, match="differ: approve, "):
        HandlerTable(UNUSED, RulesCache()).require(OPERATIONS)


def test_an_operation_has_one_handler_of_the_right_kind() -> None:
    table = HandlerTable(UNUSED, RulesCache())
    table.booking(SchedulingPort.book, creation.book)
    with pytest.raises(RuntimeError, match="book has two handlers"):
        table.booking(SchedulingPort.book, creation.book)
    with pytest.raises(RuntimeError, match="list_offerings has a handler of the wrong kind"):
        table.catalog_change(SchedulingPort.list_offerings, lambda write, request: m.Offerings(offerings=()))


@each_operation
@given(data=st.data())
@examples(1)
def test_a_typed_method_delegates_to_call(operation: AnyOperation, data: st.DataObject) -> None:
    request, reply = data.draw(models(operation.request)), data.draw(models(operation.reply))
    port = Recording(reply)
    ctx = context()
    assert getattr(port, operation.name)(ctx, request) is reply
    assert port.calls == [(operation, ctx, request)]


def test_a_typed_method_checks_deadline_key_and_request_in_this_order() -> None:
    port, invalid = Recording(), Confirm(appointment_id=1)  # type: ignore[arg-type]
    late = CallContext(BUSINESS, SYSTEM, Deadline.after(-1), new_trace())
    with pytest.raises(DeadlineExceeded):
        port.confirm(late, invalid)
    with pytest.raises(InvalidRequest, match="Idempotency-Key"):
        port.confirm(CallContext(BUSINESS, SYSTEM, Deadline.after(60), new_trace()), invalid)
    with pytest.raises(InvalidRequest) as refused:
        port.confirm(context(), invalid)
    assert refused.value.field == "appointment_id"
    assert port.calls == []


def test_names_and_routes_are_unique() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    routes = {(operation.method, re.sub(r"{\w+}", "{}", operation.path)) for operation in OPERATIONS}
    assert len(routes) == len(OPERATIONS)


@each_operation
def test_a_path_names_required_fields_of_the_request(operation: AnyOperation) -> None:
    assert operation.path.startswith("/v1/")
    in_path = re.findall(r"{(\w+)}", operation.path)
    assert set(in_path) <= set(operation.request.__struct_fields__)
    assert len(set(in_path)) == len(in_path)


@each_operation
def test_no_request_names_the_business(operation: AnyOperation) -> None:
    assert "business_id" not in operation.request.__struct_fields__


@each_operation
def test_requests_are_strict_and_all_models_are_immutable(operation: AnyOperation) -> None:
    assert operation.request.__struct_config__.frozen
    assert operation.reply.__struct_config__.frozen
    assert operation.request.__struct_config__.forbid_unknown_fields
    assert not operation.reply.__struct_config__.forbid_unknown_fields


@each_operation
def test_every_operation_has_actors_a_budget_and_a_summary(operation: AnyOperation) -> None:
    assert "system" in operation.actors
    assert 0 < operation.budget_ms <= 10_000
    assert operation.idempotent
    assert operation.summary
    assert not operation.summary.endswith(".")


@each_operation
def test_every_operation_has_the_errors_of_any_call(operation: AnyOperation) -> None:
    listed = set(operation.errors)
    assert listed >= set(ERRORS_OF_ANY_CALL)
    writes = set(ERRORS_OF_ANY_WRITE)
    assert writes <= listed if operation.writes else not writes & listed


@each_operation
def test_a_docstring_names_declared_errors_only(operation: AnyOperation) -> None:
    names = {error.__name__ for error in errors.CONCRETE}
    mentioned = names & set(re.findall(r"\w+", operation.description))
    assert mentioned <= {error.__name__ for error in operation.errors}
