"""Resources: the rooms and devices that a booking needs in addition to a provider."""

from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import ResourceNotFound
from scheduling_service.engine.catalog.limits import MAX_RESOURCES, require_capacity
from scheduling_service.engine.database import Connection
from scheduling_service.engine.read_transaction import Read
from scheduling_service.engine.store.catalog import increment_rules_version
from scheduling_service.engine.store.catalog import resources as store
from scheduling_service.engine.write_transaction import Write


def create_resource(write: Write, request: m.CreateResource) -> m.Resource:
    count = store.count_resources(write.db, write.ctx.business_id)
    require_capacity(count, MAX_RESOURCES, "resources in a business", "rename one that no longer exists")
    return _put(write, m.Resource(resource_id=uuid7(), name=request.name, kind=request.kind, active=True))


def update_resource(write: Write, request: m.UpdateResource) -> m.Resource:
    require_resource(write.db, write.ctx.business_id, request.resource_id)
    return _put(
        write,
        m.Resource(resource_id=request.resource_id, name=request.name, kind=request.kind, active=request.active),
    )


def list_resources(read: Read, _: m.ListResources) -> m.Resources:
    return m.Resources(resources=tuple(store.read_resources(read.db, read.business_id)))


def require_resource(db: Connection, business_id: UUID, resource_id: UUID) -> None:
    """Raise ResourceNotFound unless the business has this resource."""
    if not store.resource_exists(db, business_id, resource_id):
        raise ResourceNotFound("This business has no such resource.")


def _put(write: Write, resource: m.Resource) -> m.Resource:
    store.upsert_resource(write.db, write.ctx.business_id, resource)
    increment_rules_version(write.db, write.ctx.business_id)
    return resource
