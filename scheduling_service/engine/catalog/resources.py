"""What a booking takes besides a provider."""

from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import ResourceNotFound
from scheduling_service.engine.catalog.limits import MOST_RESOURCES, require_room
from scheduling_service.engine.database import Connection
from scheduling_service.engine.store.catalog import increment_rules_version
from scheduling_service.engine.store.catalog import resources as store
from scheduling_service.engine.write_transaction import Write


def create_resource(write: Write, request: m.CreateResource) -> m.Resource:
    there = store.count_resources(write.db, write.ctx.business_id)
    require_room(there, MOST_RESOURCES, "resources in a business", "give one that is gone a new name")
    return _put(write, m.Resource(resource_id=uuid7(), name=request.name, kind=request.kind, active=True))


def update_resource(write: Write, request: m.UpdateResource) -> m.Resource:
    require_resource(write.db, write.ctx.business_id, request.resource_id)
    return _put(
        write,
        m.Resource(resource_id=request.resource_id, name=request.name, kind=request.kind, active=request.active),
    )


def list_resources(db: Connection, business_id: UUID) -> m.Resources:
    return m.Resources(resources=tuple(store.read_resources(db, business_id)))


def require_resource(db: Connection, business_id: UUID, resource_id: UUID) -> None:
    """Raise ResourceNotFound unless the business has it."""
    if not store.is_resource(db, business_id, resource_id):
        raise ResourceNotFound("This business has no such resource.")


def _put(write: Write, resource: m.Resource) -> m.Resource:
    store.upsert_resource(write.db, write.ctx.business_id, resource)
    increment_rules_version(write.db, write.ctx.business_id)
    return resource
