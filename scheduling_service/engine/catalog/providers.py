"""Whose time is booked, what they perform, and the weeks they work."""

from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import ProviderNotFound
from scheduling_service.engine.catalog.limits import MOST_PROVIDERS, MOST_SCHEDULES, require_room
from scheduling_service.engine.catalog.offerings import require_offerings
from scheduling_service.engine.database import Connection
from scheduling_service.engine.store.catalog import increment_rules_version, weeks
from scheduling_service.engine.store.catalog import providers as store
from scheduling_service.engine.write_transaction import Write


def create_provider(write: Write, request: m.CreateProvider) -> m.Provider:
    there = store.count_providers(write.db, write.ctx.business_id)
    require_room(there, MOST_PROVIDERS, "providers in a business", "give one who has left a new name")
    provider_id = uuid7()
    _put(write, provider_id, request, active=True)
    return _changed(write, provider_id)


def update_provider(write: Write, request: m.UpdateProvider) -> m.Provider:
    require_provider(write.db, write.ctx.business_id, request.provider_id)
    _put(write, request.provider_id, request, active=request.active)
    return _changed(write, request.provider_id)


def list_providers(db: Connection, business_id: UUID) -> m.Providers:
    return m.Providers(providers=tuple(store.read_providers(db, business_id)))


def assign_offerings(write: Write, request: m.AssignOfferings) -> m.Provider:
    require_provider(write.db, write.ctx.business_id, request.provider_id)
    wanted = sorted(set(request.offering_ids))
    require_offerings(write, wanted)
    store.replace_offerings(write.db, write.ctx.business_id, request.provider_id, wanted)
    return _changed(write, request.provider_id)


def set_weekly_hours(write: Write, request: m.SetWeeklyHours) -> m.Provider:
    require_provider(write.db, write.ctx.business_id, request.provider_id)
    if request.effective_from is not None:
        _put_schedule(write, request)
    ranges = () if request.remove else request.ranges
    weeks.replace_week(write.db, write.ctx.business_id, request.provider_id, request.effective_from, ranges)
    return _changed(write, request.provider_id)


def require_provider(db: Connection, business_id: UUID, provider_id: UUID) -> None:
    """Raise ProviderNotFound unless the business has them."""
    if not store.is_provider(db, business_id, provider_id):
        raise ProviderNotFound("This business has no such provider.")


def _put_schedule(write: Write, request: m.SetWeeklyHours) -> None:
    whose = write.db, write.ctx.business_id, request.provider_id
    first = request.effective_from
    assert first is not None
    if request.remove:
        weeks.delete_schedule(*whose, first)
        return
    there = weeks.count_schedules(*whose, but=first)
    require_room(there, MOST_SCHEDULES, "dated weeks of a provider", "remove one that is over", "effective_from")
    weeks.upsert_schedule(*whose, first, request.effective_until)


def _put(write: Write, provider_id: UUID, wanted: m.CreateProvider | m.UpdateProvider, *, active: bool) -> None:
    business_id = write.ctx.business_id
    store.upsert_provider(write.db, business_id, provider_id, wanted.name, wanted.zone, active, wanted.weight)


def _changed(write: Write, provider_id: UUID) -> m.Provider:
    increment_rules_version(write.db, write.ctx.business_id)
    (provider,) = store.read_providers(write.db, write.ctx.business_id, provider_id)
    return provider
