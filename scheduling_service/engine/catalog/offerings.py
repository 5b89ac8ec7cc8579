"""Offerings: the services that can be booked."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import OfferingNotFound
from scheduling_service.engine.catalog.limits import MAX_OFFERINGS, require_capacity
from scheduling_service.engine.read_transaction import Read
from scheduling_service.engine.store.catalog import increment_rules_version
from scheduling_service.engine.store.catalog import offerings as store
from scheduling_service.engine.write_transaction import Write


def create_offering(write: Write, request: m.CreateOffering) -> m.Offering:
    count = store.count_offerings(write.db, write.ctx.business_id)
    require_capacity(count, MAX_OFFERINGS, "services in a business", "rename one that is no longer booked")
    return _put(write, request, uuid7(), active=True)


def update_offering(write: Write, request: m.UpdateOffering) -> m.Offering:
    require_offerings(write, [request.offering_id])
    return _put(write, request, request.offering_id, active=request.active)


def list_offerings(read: Read, _: m.ListOfferings) -> m.Offerings:
    return m.Offerings(offerings=tuple(store.read_offerings(read.db, read.business_id)))


def require_offerings(write: Write, offering_ids: Collection[UUID]) -> None:
    """Raise OfferingNotFound unless the business has all of these offerings."""
    if not store.existing_offering_ids(write.db, write.ctx.business_id, offering_ids).issuperset(offering_ids):
        raise OfferingNotFound("This business has no such service.")


def _put(write: Write, wanted: m.CreateOffering | m.UpdateOffering, offering_id: UUID, *, active: bool) -> m.Offering:
    fields: dict[str, Any] = {name: getattr(wanted, name) for name in m.OfferingRules.__struct_fields__}
    offering = m.Offering(
        **{**fields, "step_minutes": wanted.step_minutes or wanted.duration_minutes},
        offering_id=offering_id,
        name=wanted.name,
        duration_minutes=wanted.duration_minutes,
        active=active,
    )
    store.upsert_offering(write.db, write.ctx.business_id, offering)
    increment_rules_version(write.db, write.ctx.business_id)
    return offering
