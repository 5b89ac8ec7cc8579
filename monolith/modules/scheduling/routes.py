"""Scheduling's part of the JSON API: the port's operations, one endpoint each. Speaks to the port only."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta, Struct

from contracts.scheduling import codec
from contracts.scheduling import models as m
from contracts.scheduling import operations as ops
from contracts.scheduling.context import ActorKind, CallContext
from contracts.scheduling.operations import Operation
from contracts.scheduling.port import OneCallPort
from monolith.modules.scheduling.actors import actor_for
from monolith.shared.endpoints import Access, AnyEndpoint, Call, Endpoint

_SUMMARIES: tuple[tuple[Operation[Any, Any], str], ...] = (
    (ops.LIST_OFFERINGS, "The services that can be booked"),
    (ops.CREATE_OFFERING, "Add a service"),
    (ops.UPDATE_OFFERING, "Replace a service"),
    (ops.LIST_PROVIDERS, "The people whose time is booked"),
    (ops.CREATE_PROVIDER, "Add a provider"),
    (ops.UPDATE_PROVIDER, "Replace a provider"),
    (ops.ASSIGN_OFFERINGS, "Set which services a provider performs"),
    (ops.SET_WEEKLY_HOURS, "Set a provider's weekly hours, always or between two dates"),
    (ops.SET_DATE_OVERRIDE, "Set how one date of a provider differs"),
    (ops.LIST_DATE_OVERRIDES, "The dates of a provider that differ"),
    (ops.SET_HOLIDAYS, "Set the business's holidays"),
    (ops.LIST_HOLIDAYS, "The business's holidays"),
    (ops.BLOCK_TIME, "Block time of a provider, a resource or everybody"),
    (ops.REMOVE_BLOCK, "Give blocked time back"),
    (ops.LIST_BLOCKS, "Blocked time in a window"),
    (ops.CREATE_RESOURCE, "Add a room or device"),
    (ops.UPDATE_RESOURCE, "Replace a room or device"),
    (ops.LIST_RESOURCES, "The rooms and devices that bookings take"),
    (ops.GET_AGENDA, "A provider's appointments in a window"),
    (ops.SEARCH_SLOTS, "Free starts for a service"),
    (ops.NEXT_AVAILABLE, "The next free starts for a service"),
    (ops.GET_OVERVIEW, "Which days have room for a service"),
    (ops.SEARCH_VISITS, "Starts at which several services can follow one another"),
    (ops.BOOK, "Book an appointment"),
    (ops.HOLD, "Hold a slot during a checkout"),
    (ops.CONFIRM, "Make a held slot an appointment"),
    (ops.APPROVE, "Approve a request"),
    (ops.DECLINE, "Decline a request"),
    (ops.LIST_APPOINTMENTS, "Appointments, by start; customers see their own"),
    (ops.GET_APPOINTMENT, "One appointment"),
    (ops.GET_HISTORY, "What happened to an appointment"),
    (ops.RESCHEDULE, "Move an appointment"),
    (ops.CANCEL, "Cancel an appointment"),
    (ops.COMPLETE, "Say that an appointment took place"),
    (ops.MARK_NO_SHOW, "Say that the customer did not come"),
    (ops.BOOK_SERIES, "Book a recurring appointment"),
    (ops.GET_SERIES, "The appointments of a series"),
    (ops.RESCHEDULE_SERIES, "Move an appointment of a series and all that follow"),
    (ops.CANCEL_SERIES, "Cancel an appointment of a series and all that follow"),
    (ops.BOOK_VISIT, "Book several services one after the other"),
    (ops.JOIN_WAITLIST, "Wait for a time to come free"),
    (ops.LEAVE_WAITLIST, "Stop waiting, or give an offer back"),
    (ops.LIST_WAITLIST, "Who waits, in order; customers see their own"),
)
_ACCESS: dict[frozenset[ActorKind], Access] = {
    ops.EVERYONE: Access.PUBLIC,
    ops.CUSTOMERS: Access.MEMBER,
    ops.STAFF: Access.STAFF,
}
_Customer = Annotated[
    UUID | None, Meta(description="For staff who act for a customer; customers leave it out and act for themselves.")
]


def endpoints(port: OneCallPort) -> list[AnyEndpoint]:
    """Every operation that the API offers. Not among them are opening a business, which signing up does, reading it,
    which auth answers, and settling, which the service does by itself."""
    return [_endpoint(port, operation, summary) for operation, summary in _SUMMARIES]


def _endpoint(port: OneCallPort, operation: Operation[Any, Any], summary: str) -> AnyEndpoint:
    fields = _public_fields(operation)
    return Endpoint(
        module="scheduling",
        name=operation.name,
        method=operation.method,
        path=_public_path(operation),
        access=_ACCESS[operation.actors],
        handler=_write(port, operation) if operation.writes else _read(port, operation),
        reply=operation.reply,
        body=fields if operation.writes else None,
        query=None if operation.writes else fields,
        status=operation.status,
        summary=summary,
        needs_key=operation.method == "POST",
    )


def _write(port: OneCallPort, operation: Operation[Any, Any]) -> Callable[[Call[Any]], m.Reply]:
    def handler(call: Call[Any]) -> m.Reply:
        # A PUT is idempotent by itself: without a key of the caller's it gets a fresh one.
        keyed = msgspec.structs.replace(_context(call), idempotency_key=call.idempotency_key or uuid4().hex)
        reply: m.Reply = port.call(operation, keyed, _request(operation, call, call.body))
        return reply

    return handler


def _read(port: OneCallPort, operation: Operation[Any, Any]) -> Callable[[Call[Any]], m.Reply]:
    def handler(call: Call[Any]) -> m.Reply:
        reply: m.Reply = port.call(operation, _context(call), _request(operation, call, call.query))
        return reply

    return handler


def _context(call: Call[Any]) -> CallContext:
    """What a call of the port needs to know of the request."""
    business_id = call.require_business().business_id
    actor = actor_for(business_id, call.principal)
    return CallContext(business_id, actor, call.deadline, call.trace, call.idempotency_key)


def _request(operation: Operation[Any, Any], call: Call[Any], said: Struct) -> Any:
    """What was said in body or query, with what the path says, and whose appointment it is. Raises InvalidRequest."""
    if isinstance(said, operation.request):
        return said
    fields = msgspec.to_builtins(said) | _path_fields(call)
    if _for_a_customer(operation) and fields["customer_id"] is None:
        fields["customer_id"] = call.require_principal().user_id
    return codec.convert(fields, operation.request)


def _path_fields(call: Call[Any]) -> dict[str, str]:
    return {name: value for name, value in call.path.items() if name != "slug"}


def _public_path(operation: Operation[Any, Any]) -> str:
    return "/businesses/{slug}" + operation.path.removeprefix("/v1")


def _public_fields(operation: Operation[Any, Any]) -> type[Struct]:
    """The operation's request as body or query of the endpoint: less what its path carries, and with a customer that
    may be left out."""
    own = _for_a_customer(operation)
    if "{" not in operation.path and not own:
        return operation.request
    fields = [
        _field(each)
        for each in msgspec.structs.fields(operation.request)
        if f"{{{each.encode_name}}}" not in operation.path and not (own and each.name == "customer_id")
    ]
    if own:
        fields.append(("customer_id", _Customer, msgspec.field(default=None)))
    name = operation.request.__name__
    return msgspec.defstruct(name, fields, frozen=True, kw_only=True, forbid_unknown_fields=True)


def _field(of: msgspec.structs.FieldInfo) -> tuple[str, Any] | tuple[str, Any, Any]:
    return (of.name, of.type) if of.required else (of.name, of.type, msgspec.field(default=of.default))


def _for_a_customer(operation: Operation[Any, Any]) -> bool:
    """Whether somebody has to be named for whom it is."""
    return any(each.name == "customer_id" and each.required for each in msgspec.structs.fields(operation.request))
