"""Providers: the people whose time is booked, the offerings they perform and their weekly hours."""

from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import ProviderNotFound
from scheduling_service.engine.catalog.limits import MAX_PROVIDERS, MAX_SCHEDULES, require_capacity
from scheduling_service.engine.catalog.offerings import require_offerings
from scheduling_service.engine.database import Connection
from scheduling_service.engine.read_transaction import Read
from scheduling_service.engine.store.catalog import increment_rules_version, weeks
from scheduling_service.engine.store.catalog import providers as store
from scheduling_service.engine.write_transaction import Write


def create_provider(write: Write, request: m.CreateProvider) -> m.Provider:
    count = store.count_providers(write.db, write.ctx.business_id)
    require_capacity(count, MAX_PROVIDERS, "providers in a business", "rename one who has left")
    provider_id = uuid7()
    _put(write, provider_id, request, active=True)
    return _changed(write, provider_id)


def update_provider(write: Write, request: m.UpdateProvider) -> m.Provider:
    require_provider(write.db, write.ctx.business_id, request.provider_id)
    _put(write, request.provider_id, request, active=request.active)
    return _changed(write, request.provider_id)


def list_providers(read: Read, _: m.ListProviders) -> m.Providers:
    return m.Providers(providers=tuple(store.read_providers(read.db, read.business_id)))


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
    """Raise ProviderNotFound unless the business has this provider."""
    if not store.provider_exists(db, business_id, provider_id):
        raise ProviderNotFound("This business has no such provider.")


def _put_schedule(write: Write, request: m.SetWeeklyHours) -> None:
    key = write.db, write.ctx.business_id, request.provider_id
    first = request.effective_from
    assert first is not None
    if request.remove:
        weeks.delete_schedule(*key, first)
        return
    count = weeks.count_schedules(*key, excluding=first)
    require_capacity(count, MAX_SCHEDULES, "dated weeks of a provider", "remove one that has ended", "effective_from")
    weeks.upsert_schedule(*key, first, request.effective_until)


def _put(write: Write, provider_id: UUID, wanted: m.CreateProvider | m.UpdateProvider, *, active: bool) -> None:
    business_id = write.ctx.business_id
    store.upsert_provider(write.db, business_id, provider_id, wanted.name, wanted.zone, active, wanted.weight)


def _changed(write: Write, provider_id: UUID) -> m.Provider:
    increment_rules_version(write.db, write.ctx.business_id)
    (provider,) = store.read_providers(write.db, write.ctx.business_id, provider_id)
    return provider
