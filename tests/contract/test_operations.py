"""The table of operations, the port and `OneCallPort` are three views of one thing."""

import inspect
import re
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling.context import SYSTEM, CallContext
from contracts.scheduling.operation_errors import AnyOperation
from contracts.scheduling.operations import OPERATIONS, Operation, Q, R
from contracts.scheduling.port import OneCallPort, SchedulingPort
from tests.contract.strategies import models

each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)

CTX = CallContext(
    business_id=UUID(int=7), actor=SYSTEM, deadline=Deadline.after(1), trace=new_trace(), idempotency_key="k"
)


class Recording(OneCallPort):
    """Remembers what it was asked to perform, and answers with what it was given."""

    def __init__(self, reply: Any) -> None:
        self.reply = reply
        self.calls: list[tuple[AnyOperation, CallContext, Any]] = []

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        self.calls.append((operation, ctx, request))
        reply: R = self.reply
        return reply


def methods(port: type) -> dict[str, inspect.Signature]:
    every = inspect.getmembers(port, inspect.isfunction)
    return {name: inspect.signature(each) for name, each in every if not name.startswith("_") and name != "call"}


@pytest.mark.parametrize("port", [SchedulingPort, OneCallPort])
def test_the_table_and_the_port_name_the_same_operations(port: type) -> None:
    assert set(methods(port)) == {operation.name for operation in OPERATIONS}


@pytest.mark.parametrize("port", [SchedulingPort, OneCallPort])
@each_operation
def test_the_table_and_the_port_agree_on_types(port: type, operation: AnyOperation) -> None:
    signature = methods(port)[operation.name]
    taken = {name: each.annotation for name, each in signature.parameters.items() if name != "self"}
    assert taken == {"ctx": CallContext, "request": operation.request}
    assert signature.return_annotation is operation.reply


@each_operation
@given(data=st.data())
@settings(max_examples=1)
def test_one_call_port_passes_each_operation_as_it_is(operation: AnyOperation, data: st.DataObject) -> None:
    request, reply = data.draw(models(operation.request)), data.draw(models(operation.reply))
    port = Recording(reply)
    assert getattr(port, operation.name)(CTX, request) is reply
    assert port.calls == [(operation, CTX, request)]


def test_names_and_routes_are_unique() -> None:
    assert len({operation.name for operation in OPERATIONS}) == len(OPERATIONS)
    routes = {(operation.method, re.sub(r"{\w+}", "{}", operation.path)) for operation in OPERATIONS}
    assert len(routes) == len(OPERATIONS)


@each_operation
def test_a_path_names_fields_of_the_request(operation: AnyOperation) -> None:
    assert operation.path.startswith("/v1/")
    assert set(re.findall(r"{(\w+)}", operation.path)) <= set(operation.request.__struct_fields__)


@each_operation
def test_no_request_says_which_business_is_meant(operation: AnyOperation) -> None:
    assert "business_id" not in operation.request.__struct_fields__


@each_operation
def test_requests_and_replies_are_immutable_and_requests_are_strict(operation: AnyOperation) -> None:
    assert operation.request.__struct_config__.frozen
    assert operation.reply.__struct_config__.frozen
    assert operation.request.__struct_config__.forbid_unknown_fields
    assert not operation.reply.__struct_config__.forbid_unknown_fields


@each_operation
def test_every_operation_has_somebody_who_may_and_a_time_budget(operation: AnyOperation) -> None:
    assert "system" in operation.actors
    assert 0 < operation.budget_ms <= 10_000
    assert operation.idempotent
