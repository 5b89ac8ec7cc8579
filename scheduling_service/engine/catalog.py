"""Offerings, providers and their hours: the rules that availability is made of."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import BusinessNotFound, OfferingNotFound, ProviderNotFound
from scheduling_service.engine.database import Connection
from scheduling_service.engine.hours import minutes_of, wall_of
from scheduling_service.engine.rules import BusinessRules, ProviderRules
from scheduling_service.engine.store import catalog as store
from scheduling_service.engine.writing import Write


def open_business(write: Write, request: m.OpenBusiness) -> m.Business:
    business_id = write.ctx.business_id
    if write.rules_version == 0:
        store.open_business(write.db, business_id, request.name, request.zone)
        return m.Business(business_id=business_id, name=request.name, zone=request.zone, epoch=1)
    return m.Business(business_id=business_id, name=write.business_name, zone=write.business_zone, epoch=write.epoch)


def create_offering(write: Write, request: m.CreateOffering) -> m.Offering:
    return _put_offering(
        write,
        m.Offering(
            offering_id=uuid7(),
            name=request.name,
            duration_minutes=request.duration_minutes,
            step_minutes=request.step_minutes or request.duration_minutes,
            cancel_cutoff_minutes=request.cancel_cutoff_minutes,
            active=True,
        ),
    )


def update_offering(write: Write, request: m.UpdateOffering) -> m.Offering:
    if request.offering_id not in {o.offering_id for o in store.read_offerings(write.db, write.ctx.business_id)}:
        raise OfferingNotFound("This business has no such service.")
    return _put_offering(
        write,
        m.Offering(
            offering_id=request.offering_id,
            name=request.name,
            duration_minutes=request.duration_minutes,
            step_minutes=request.step_minutes or request.duration_minutes,
            cancel_cutoff_minutes=request.cancel_cutoff_minutes,
            active=request.active,
        ),
    )


def create_provider(write: Write, request: m.CreateProvider) -> m.Provider:
    provider_id = uuid7()
    store.put_provider(write.db, write.ctx.business_id, provider_id, request.name, request.zone, active=True)
    return _changed_provider(write, provider_id)


def update_provider(write: Write, request: m.UpdateProvider) -> m.Provider:
    _require_provider(write, request.provider_id)
    store.put_provider(write.db, write.ctx.business_id, request.provider_id, request.name, request.zone, request.active)
    return _changed_provider(write, request.provider_id)


def assign_offerings(write: Write, request: m.AssignOfferings) -> m.Provider:
    _require_provider(write, request.provider_id)
    wanted = sorted(set(request.offering_ids))
    known = {o.offering_id for o in store.read_offerings(write.db, write.ctx.business_id)}
    if not known.issuperset(wanted):
        raise OfferingNotFound("This business has no such service.")
    store.assign(write.db, write.ctx.business_id, request.provider_id, wanted)
    return _changed_provider(write, request.provider_id)


def set_weekly_hours(write: Write, request: m.SetWeeklyHours) -> m.Provider:
    _require_provider(write, request.provider_id)
    ranges = [(r.weekday, minutes_of(r.opens), minutes_of(r.closes)) for r in request.ranges]
    store.replace_hours(write.db, write.ctx.business_id, request.provider_id, ranges)
    return _changed_provider(write, request.provider_id)


def list_offerings(db: Connection, business_id: UUID) -> m.Offerings:
    return m.Offerings(offerings=tuple(store.read_offerings(db, business_id)))


def list_providers(db: Connection, business_id: UUID) -> m.Providers:
    return m.Providers(providers=tuple(_provider(row) for row in store.read_providers(db, business_id)))


def load_rules(db: Connection, business_id: UUID) -> BusinessRules:
    """Read and compile the rules. The version is read first, so a change in between makes them newer than they say, and
    the next comparison reads them again."""
    business = store.read_business(db, business_id)
    if business is None:
        raise BusinessNotFound("There is no such business.")
    name, zone, version, _ = business
    offerings = {o.offering_id: o for o in store.read_offerings(db, business_id)}
    providers = sorted((_compiled(row) for row in store.read_providers(db, business_id)), key=lambda p: p.provider_id)
    return BusinessRules(version, name, zone, offerings, {p.provider_id: p for p in providers})


def _put_offering(write: Write, offering: m.Offering) -> m.Offering:
    store.put_offering(write.db, write.ctx.business_id, offering)
    store.bump_rules(write.db, write.ctx.business_id)
    return offering


def _changed_provider(write: Write, provider_id: UUID) -> m.Provider:
    store.bump_rules(write.db, write.ctx.business_id)
    return _require_provider(write, provider_id)


def _require_provider(write: Write, provider_id: UUID) -> m.Provider:
    for row in store.read_providers(write.db, write.ctx.business_id):
        if row[0] == provider_id:
            return _provider(row)
    raise ProviderNotFound("This business has no such provider.")


def _provider(row: tuple[Any, ...]) -> m.Provider:
    provider_id, name, zone, active, offering_ids, hours = row
    return m.Provider(
        provider_id=provider_id,
        name=name,
        zone=zone,
        active=active,
        offering_ids=tuple(offering_ids),
        weekly_hours=tuple(
            m.WorkingRange(weekday=weekday, opens=wall_of(opens), closes=wall_of(closes))
            for weekday, opens, closes in hours
        ),
    )


def _compiled(row: tuple[Any, ...]) -> ProviderRules:
    provider_id, name, zone, active, offering_ids, hours = row
    week = tuple(tuple((opens, closes) for weekday, opens, closes in hours if weekday == iso) for iso in range(1, 8))
    return ProviderRules(provider_id, name, ZoneInfo(zone), active, frozenset(offering_ids), week)
