"""Endpoints for one service, provider or resource: read it, or change some of its fields.

The port lists and replaces them. These endpoints select from the list, and replace one by itself with the given fields.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from msgspec import Struct

from contracts.chassis.field_docs import DESCRIBED_BY
from contracts.scheduling import models as m
from contracts.scheduling.errors import NotFound, OfferingNotFound, ProviderNotFound, ResourceNotFound
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.validation import convert
from monolith.modules.scheduling.routes import call_context
from monolith.shared.endpoints import Access, AnyEndpoint, Call, Endpoint

_MODULE = "scheduling"

R = TypeVar("R", bound=m.Reply)


def catalog_endpoints(port: SchedulingPort) -> list[AnyEndpoint]:
    one = _One(port)
    offering, provider, resource = (
        f"/businesses/{{slug}}/{kind}s/{{{kind}_id}}" for kind in ("offering", "provider", "resource")
    )
    return [
        _get("offering", offering, Access.PUBLIC, one.offering, m.Offering, "a service"),
        _get("provider", provider, Access.PUBLIC, one.provider, m.Provider, "a provider with weekly hours"),
        _get("resource", resource, Access.STAFF, one.resource, m.Resource, "a resource"),
        _patch("offering", offering, _changing(one.offering, port.update_offering, m.UpdateOffering), m.Offering),
        _patch("provider", provider, _changing(one.provider, port.update_provider, m.UpdateProvider), m.Provider),
        _patch("resource", resource, _changing(one.resource, port.update_resource, m.UpdateResource), m.Resource),
    ]


class _One:
    """Finds one entry of the catalog. Raises the contract's error if there is none with the id in the path."""

    def __init__(self, port: SchedulingPort) -> None:
        self._port = port

    def offering(self, call: Call[Any]) -> m.Offering:
        every = self._port.list_offerings(call_context(call), m.ListOfferings()).offerings
        return _selected(every, call, "offering_id", OfferingNotFound("There is no such service."))

    def provider(self, call: Call[Any]) -> m.Provider:
        every = self._port.list_providers(call_context(call), m.ListProviders()).providers
        return _selected(every, call, "provider_id", ProviderNotFound("This business has no such provider."))

    def resource(self, call: Call[Any]) -> m.Resource:
        every = self._port.list_resources(call_context(call), m.ListResources()).resources
        return _selected(every, call, "resource_id", ResourceNotFound("This business has no such resource."))


def _selected(every: tuple[R, ...], call: Call[Any], name: str, missing: NotFound) -> R:
    for each in every:
        if str(getattr(each, name)) == call.path[name].lower():
            return each
    raise missing


def _changing(find: Callable[[Call[Any]], m.Reply], update: Callable[..., m.Reply], model: type[m.Request]) -> Any:
    """Return body model and handler of a PATCH. Two concurrent changes of the same entry: the later one is complete."""
    body = _partial(model)

    def handler(call: Call[Any]) -> m.Reply:
        current = msgspec.to_builtins(find(call))
        given = {name: value for name, value in msgspec.to_builtins(call.body).items() if value is not msgspec.UNSET}
        fields = {name: current[name] for name in model.__struct_fields__} | given
        keyed = msgspec.structs.replace(call_context(call), idempotency_key=call.idempotency_key or uuid4().hex)
        return update(keyed, convert(fields, model))

    return body, handler


def _partial(model: type[m.Request]) -> type[Struct]:
    """Return the fields of a replacement, all optional, without the id in the path."""
    in_path = next(name for name in model.__struct_fields__ if name.endswith("_id"))
    fields = [
        (each.name, each.type | msgspec.UnsetType, msgspec.field(default=msgspec.UNSET))
        for each in msgspec.structs.fields(model)
        if each.name != in_path
    ]
    name = model.__name__.replace("Update", "Change")
    source = {DESCRIBED_BY: model, "__doc__": "The fields to change."}
    return msgspec.defstruct(name, fields, frozen=True, kw_only=True, forbid_unknown_fields=True, namespace=source)


def _get(kind: str, path: str, access: Access, handler: Any, reply: type[m.Reply], what: str) -> AnyEndpoint:
    return Endpoint(
        module=_MODULE, name=f"get_{kind}", method="GET", path=path, access=access, handler=handler, reply=reply,
        summary=f"Return {what}", errors=[(404, f"{kind}_not_found")],
    )  # fmt: skip


def _patch(kind: str, path: str, change: Any, reply: type[m.Reply]) -> AnyEndpoint:
    body, handler = change
    what = f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"
    return Endpoint(
        module=_MODULE, name=f"change_{kind}", method="PATCH", path=path, access=Access.STAFF, handler=handler,
        body=body, reply=reply, errors=[(404, f"{kind}_not_found")],
        summary=f"Change {what}; fields that are left out keep their values",
    )  # fmt: skip
