"""The module's endpoints of the JSON API, one for each public operation of the port."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID, uuid4

import msgspec
from msgspec import Meta, Struct

from contracts.chassis.field_docs import DESCRIBED_BY
from contracts.scheduling import models as m
from contracts.scheduling.context import ActorKind, CallContext
from contracts.scheduling.errors import InvalidRequest, NotOwner, Unauthenticated
from contracts.scheduling.operations import CUSTOMERS, EVERYONE, STAFF, AnyOperation, operation_of
from contracts.scheduling.port import OPERATIONS, SchedulingPort
from contracts.scheduling.validation import convert
from monolith.modules.scheduling.actors import actor_for
from monolith.modules.scheduling.guest_mail_limits import MOVES
from monolith.modules.scheduling.named_customers import CustomerNames, name_customers, public_reply, unnamed
from monolith.modules.scheduling.rate_limits import LIMITED
from monolith.shared.endpoints import Access, AnyEndpoint, ApiError, Call, Endpoint
from monolith.shared.endpoints.errors import require_not_closed

_NOT_PUBLIC: frozenset[str] = frozenset(
    operation_of(method).name
    for method in (
        SchedulingPort.open_business,
        SchedulingPort.update_business,
        SchedulingPort.get_business,
        SchedulingPort.settle,
    )
)
"""Sign-up opens a business, auth's API returns and changes it, and maintenance calls `settle`."""

_ACCESS: dict[frozenset[ActorKind], Access] = {
    EVERYONE: Access.PUBLIC,
    CUSTOMERS: Access.MEMBER,
    STAFF: Access.STAFF,
}
_Customer = Annotated[
    UUID | None, Meta(description="Required from staff and tokens. Customers omit it and act for themselves.")
]
_NEW_BOOKINGS = frozenset({"book", "hold", "book_series", "book_visit", "join_waitlist"})
"""Refused while the business is closed."""


def endpoints(port: SchedulingPort, names: CustomerNames) -> list[AnyEndpoint]:
    """Return an endpoint for each public operation of the port."""
    return [_endpoint(port, names, operation) for operation in OPERATIONS if operation.name not in _NOT_PUBLIC]


def _endpoint(port: SchedulingPort, names: CustomerNames, operation: AnyOperation) -> AnyEndpoint:
    fields = _public_fields(operation)
    return Endpoint(
        module="scheduling",
        name=operation.name,
        method=operation.method,
        path=_public_path(operation),
        access=_access(operation),
        handler=_write(port, names, operation) if operation.writes else _read(port, names, operation),
        reply=public_reply(operation),
        body=fields if operation.writes else None,
        query=None if operation.writes else fields,
        status=operation.status,
        summary=operation.summary,
        needs_key=operation.method == "POST",
        errors=[(error.status, error.code) for error in operation.errors if error not in (NotOwner, Unauthenticated)]
        + ([(409, "business_closed")] if operation.name in _NEW_BOOKINGS else [])
        + ([(404, "customer_not_found")] if operation.writes and _needs_customer(operation) else [])
        + ([(429, "too_many_attempts")] if operation.name in LIMITED | MOVES else []),
    )


def _access(operation: AnyOperation) -> Access:
    """Return the access rule for the operation's actors. Raises RuntimeError if no caller of the API is among them."""
    if operation.actors not in _ACCESS:
        raise RuntimeError(f"{operation.name} has no access rule for its actors: list it in `_NOT_PUBLIC`")
    return _ACCESS[operation.actors]


def _write(port: SchedulingPort, names: CustomerNames, operation: AnyOperation) -> Callable[[Call[Any]], m.Reply]:
    needs_customer, takes_bookings = _needs_customer(operation), operation.name in _NEW_BOOKINGS

    def handler(call: Call[Any]) -> m.Reply:
        if takes_bookings:
            require_not_closed(call.require_business())
        # A PUT is idempotent by itself, so a missing key is generated.
        context = call_context(call, writes=True)
        keyed = msgspec.structs.replace(context, idempotency_key=call.idempotency_key or uuid4().hex)
        request = _request(operation, call, call.body, needs_customer)
        if needs_customer and _staff(call, writes=True):
            _require_own_customer(names, call, request.customer_id)
        reply: m.Reply = port.call(operation, keyed, request)
        return reply

    return handler


def _read(port: SchedulingPort, names: CustomerNames, operation: AnyOperation) -> Callable[[Call[Any]], m.Reply]:
    def handler(call: Call[Any]) -> m.Reply:
        reply: m.Reply = port.call(operation, call_context(call), _request(operation, call, call.query, False))
        return name_customers(reply, partial(names, call.require_business().business_id) if _staff(call) else unnamed)

    return handler


def call_context(call: Call[Any], *, writes: bool = False) -> CallContext:
    """Return the context for a call of the port."""
    business_id = call.require_business().business_id
    actor = actor_for(business_id, call.principal, writes=writes)
    return CallContext(business_id, actor, call.deadline, call.trace, call.idempotency_key)


def _request(operation: AnyOperation, call: Call[Any], sent: Struct, needs_customer: bool) -> Any:
    """Return the operation's request from body or query, path and caller. Raises InvalidRequest."""
    if isinstance(sent, operation.request):
        return sent
    fields = msgspec.to_builtins(sent) | _path_fields(call)
    if needs_customer and fields["customer_id"] is None:
        if _staff(call, writes=True):
            raise InvalidRequest("Name the customer whom this is for; `list_customers` has their ids.", "customer_id")
        fields["customer_id"] = call.require_principal().user_id
    return convert(fields, operation.request)


def _require_own_customer(names: CustomerNames, call: Call[Any], customer_id: UUID) -> None:
    """Raise ApiError 404 unless staff act for a customer or guest of their own business, or for one of its members."""
    if not names(call.require_business().business_id, [customer_id]):
        message = "This business has no such customer. Add a guest first, or let the customer join."
        raise ApiError(404, "customer_not_found", message, field="customer_id")


def _staff(call: Call[Any], *, writes: bool = False) -> bool:
    return actor_for(call.require_business().business_id, call.principal, writes=writes).kind == "staff"


def _path_fields(call: Call[Any]) -> dict[str, str]:
    return {name: value for name, value in call.path.items() if name != "slug"}


def _public_path(operation: AnyOperation) -> str:
    return "/businesses/{slug}" + operation.path.removeprefix("/v1")


def _public_fields(operation: AnyOperation) -> type[Struct]:
    """Return the model of the endpoint's body or query.

    It is the operation's request without the fields in the path, and with an optional customer.
    """
    for_customer = _needs_customer(operation)
    if "{" not in operation.path and not for_customer:
        return operation.request
    fields = [
        _field(each)
        for each in msgspec.structs.fields(operation.request)
        if f"{{{each.encode_name}}}" not in operation.path and not (for_customer and each.name == "customer_id")
    ]
    if for_customer:
        fields.append(("customer_id", _Customer, msgspec.field(default=None)))
    name = operation.request.__name__
    source = {DESCRIBED_BY: operation.request, "__doc__": operation.request.__doc__}
    return msgspec.defstruct(name, fields, frozen=True, kw_only=True, forbid_unknown_fields=True, namespace=source)


def _field(info: msgspec.structs.FieldInfo) -> tuple[str, Any] | tuple[str, Any, Any]:
    if info.required:
        return info.name, info.type
    return info.name, info.type, msgspec.field(default=info.default)


def _needs_customer(operation: AnyOperation) -> bool:
    """Return whether the operation's request requires a customer."""
    return any(each.name == "customer_id" and each.required for each in msgspec.structs.fields(operation.request))
