"""Scheduling's part of the JSON API: the port's operations, one endpoint each. Speaks to the port only."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Struct

from contracts.scheduling import codec
from contracts.scheduling import models as m
from contracts.scheduling import operations as ops
from contracts.scheduling.context import CallContext
from contracts.scheduling.operations import Operation
from contracts.scheduling.port import OneCallPort
from contracts.scheduling.values import Instant, Note
from monolith.modules.scheduling.actors import actor_in
from monolith.shared.endpoints import Access, AnyEndpoint, Call, Endpoint

_SUMMARIES: tuple[tuple[Operation[Any, Any], Access, str], ...] = (
    (ops.LIST_OFFERINGS, Access.PUBLIC, "The services that can be booked"),
    (ops.CREATE_OFFERING, Access.STAFF, "Add a service"),
    (ops.UPDATE_OFFERING, Access.STAFF, "Replace a service"),
    (ops.LIST_PROVIDERS, Access.PUBLIC, "The people whose time is booked"),
    (ops.CREATE_PROVIDER, Access.STAFF, "Add a provider"),
    (ops.UPDATE_PROVIDER, Access.STAFF, "Replace a provider"),
    (ops.ASSIGN_OFFERINGS, Access.STAFF, "Set which services a provider performs"),
    (ops.SET_WEEKLY_HOURS, Access.STAFF, "Set a provider's weekly hours"),
    (ops.GET_AGENDA, Access.STAFF, "A provider's appointments in a window"),
    (ops.SEARCH_SLOTS, Access.PUBLIC, "Free starts for a service"),
    (ops.LIST_APPOINTMENTS, Access.MEMBER, "Appointments, by start; customers see their own"),
    (ops.GET_APPOINTMENT, Access.MEMBER, "One appointment"),
    (ops.RESCHEDULE, Access.MEMBER, "Move an appointment"),
    (ops.CANCEL, Access.MEMBER, "Cancel an appointment"),
)


class BookBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`customer_id` is for staff who book for a customer; customers leave it out and book for themselves."""

    offering_id: UUID
    provider_id: UUID
    starts_at: Instant
    note: Note = ""
    customer_id: UUID | None = None


def endpoints(port: OneCallPort) -> list[AnyEndpoint]:
    """Every operation that the API offers. Opening a business is not among them: signing up does that."""
    table = [_endpoint(port, operation, access, summary) for operation, access, summary in _SUMMARIES]
    return [*table, _book(port)]


def _context(call: Call[Any]) -> CallContext:
    """What a call of the port needs to know of the request."""
    business_id = call.where().business_id
    actor = actor_in(business_id, call.principal)
    return CallContext(business_id, actor, call.deadline, call.trace, call.idempotency_key)


def _endpoint(port: OneCallPort, operation: Operation[Any, Any], access: Access, summary: str) -> AnyEndpoint:
    fields = _without_path_fields(operation)
    handler = _write(port, operation) if operation.writes else _read(port, operation, whole=fields is operation.request)
    return Endpoint(
        module="scheduling",
        name=operation.name,
        method=operation.method,
        path=_public_path(operation),
        access=access,
        handler=handler,
        reply=operation.reply,
        body=fields if operation.writes else None,
        query=None if operation.writes else fields,
        status=operation.status,
        summary=summary,
        needs_key=operation.method == "POST",
    )


def _write(port: OneCallPort, operation: Operation[Any, Any]) -> Callable[[Call[Any]], m.Reply]:
    def handler(call: Call[Any]) -> m.Reply:
        request = codec.convert({**msgspec.to_builtins(call.body), **_path_fields(call)}, operation.request)
        # A PUT is idempotent by itself: without a key of the caller's it gets a fresh one.
        keyed = msgspec.structs.replace(_context(call), idempotency_key=call.idempotency_key or uuid4().hex)
        reply: m.Reply = port.call(operation, keyed, request)
        return reply

    return handler


def _read(port: OneCallPort, operation: Operation[Any, Any], *, whole: bool) -> Callable[[Call[Any]], m.Reply]:
    """`whole`: the query is the request, with nothing in the path to add."""

    def handler(call: Call[Any]) -> m.Reply:
        request = call.query
        if not whole:
            request = codec.convert({**msgspec.to_builtins(call.query), **_path_fields(call)}, operation.request)
        reply: m.Reply = port.call(operation, _context(call), request)
        return reply

    return handler


def _book(port: OneCallPort) -> AnyEndpoint:
    def handler(call: Call[BookBody]) -> m.Appointment:
        body = call.body
        request = codec.convert(
            {
                "offering_id": body.offering_id,
                "provider_id": body.provider_id,
                "customer_id": body.customer_id or call.who().user_id,
                "starts_at": body.starts_at,
                "note": body.note,
            },
            m.Book,
        )
        return port.book(_context(call), request)

    return Endpoint(
        module="scheduling",
        name="book",
        method="POST",
        path=_public_path(ops.BOOK),
        access=Access.MEMBER,
        handler=handler,
        reply=m.Appointment,
        body=BookBody,
        status=201,
        summary="Book an appointment",
        needs_key=True,
    )


def _path_fields(call: Call[Any]) -> dict[str, str]:
    return {name: value for name, value in call.path.items() if name != "slug"}


def _public_path(operation: Operation[Any, Any]) -> str:
    return "/businesses/{slug}" + operation.path.removeprefix("/v1")


def _without_path_fields(operation: Operation[Any, Any]) -> type[Struct]:
    """The operation's request less what its path carries: the body or query of the endpoint."""
    if "{" not in operation.path:
        return operation.request
    fields = [
        (f.name, f.type, msgspec.field(default=f.default)) if not f.required else (f.name, f.type)
        for f in msgspec.structs.fields(operation.request)
        if f"{{{f.encode_name}}}" not in operation.path
    ]
    name = operation.request.__name__
    return msgspec.defstruct(name, fields, frozen=True, kw_only=True, forbid_unknown_fields=True)
