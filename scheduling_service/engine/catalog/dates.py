"""Date overrides and holidays: dates that differ from the week."""

from contracts.scheduling import models as m
from scheduling_service.engine.catalog.limits import MAX_OVERRIDES, require_capacity
from scheduling_service.engine.catalog.providers import require_provider
from scheduling_service.engine.read_transaction import Read
from scheduling_service.engine.store.catalog import dates as store
from scheduling_service.engine.store.catalog import increment_rules_version
from scheduling_service.engine.write_transaction import Write


def set_date_override(write: Write, request: m.SetDateOverride) -> m.DateOverride:
    """Store an override; the mode `regular` removes it."""
    db, business_id = write.db, write.ctx.business_id
    require_provider(db, business_id, request.provider_id)
    override = m.DateOverride(
        provider_id=request.provider_id,
        date=request.date,
        mode=request.mode,
        ranges=store.sorted_ranges(request.ranges),
    )
    if override.mode == "regular":
        store.delete_override(db, business_id, override.provider_id, override.date)
    else:
        count = store.count_overrides(db, business_id, override.provider_id, excluding=override.date)
        remedy = "set some of them to `regular`"
        require_capacity(count, MAX_OVERRIDES, "future dates on which a provider's hours differ", remedy, "date")
        store.upsert_override(db, business_id, override)
    increment_rules_version(db, business_id)
    return override


def list_date_overrides(read: Read, request: m.ListDateOverrides) -> m.DateOverrides:
    require_provider(read.db, read.business_id, request.provider_id)
    found = store.list_overrides(read.db, read.business_id, request.provider_id, request.first, request.last)
    return m.DateOverrides(overrides=tuple(found))


def set_holidays(write: Write, request: m.SetHolidays) -> m.Holidays:
    store.replace_holidays(write.db, write.ctx.business_id, request.holidays)
    increment_rules_version(write.db, write.ctx.business_id)
    return m.Holidays(holidays=tuple(store.read_holidays(write.db, write.ctx.business_id)))


def list_holidays(read: Read, _: m.ListHolidays) -> m.Holidays:
    return m.Holidays(holidays=tuple(store.read_holidays(read.db, read.business_id)))
