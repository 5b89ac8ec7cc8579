"""A business with callers, to test a port with."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling import models as m
from contracts.scheduling.context import ANONYMOUS, SYSTEM, Actor, CallContext
from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.port import SchedulingPort

MONDAY = datetime(2040, 6, 4, tzinfo=UTC)
"""Midnight of a Monday far in the future, in a month without a clock change."""
SECONDS = 10.0


def at(hour: int, minute: int = 0, *, day: int = 0) -> datetime:
    """Return a time on `MONDAY`, or `day` days after it."""
    return MONDAY + timedelta(days=day, hours=hour, minutes=minute)


NINE, TUESDAY = at(9), at(24)


@dataclass(frozen=True)
class Caller:
    """One actor in one business; creates the contexts of its calls."""

    business_id: UUID
    actor: Actor

    def reads(self, seconds: float = SECONDS) -> CallContext:
        return CallContext(self.business_id, self.actor, Deadline.after(seconds), new_trace())

    def writes(self, key: str | None = None, seconds: float = SECONDS) -> CallContext:
        """Return the context of a write with `key`, or with a new key."""
        return CallContext(self.business_id, self.actor, Deadline.after(seconds), new_trace(), key or uuid4().hex)

    @property
    def id(self) -> UUID:
        return self.actor.id


def customer_of(business_id: UUID) -> Caller:
    return Caller(business_id, Actor("customer", uuid4()))


@dataclass(frozen=True)
class Shop:
    """An open business with one offering and one provider, who works Mondays to Fridays, 09:00 to 17:00 UTC."""

    port: SchedulingPort
    system: Caller
    staff: Caller
    customer: Caller
    stranger: Caller
    """Another customer of the same business."""
    anonymous: Caller
    offering: m.Offering
    provider: m.Provider

    @property
    def business_id(self) -> UUID:
        return self.system.business_id

    def booking(self, starts_at: datetime = NINE, by: Caller | None = None, **changes: Any) -> m.Book:
        """Return a booking request of `by`, by default the customer."""
        fields = {
            "offering_id": self.offering.offering_id,
            "provider_id": self.provider.provider_id,
            "customer_id": (by or self.customer).id,
            "starts_at": starts_at,
        }
        return m.Book(**{**fields, **changes})

    def book(self, starts_at: datetime = NINE, by: Caller | None = None, **changes: Any) -> m.Appointment:
        by = by or self.customer
        return self.port.book(by.writes(), self.booking(starts_at, by, **changes))

    def search(self, start: datetime = MONDAY, end: datetime = TUESDAY, **changes: Any) -> m.Slots:
        fields = {"offering_id": self.offering.offering_id, "start": start, "end": end}
        return self.port.search_slots(self.anonymous.reads(), m.SearchSlots(**{**fields, **changes}))

    def starts(self, start: datetime = MONDAY, end: datetime = TUESDAY, **changes: Any) -> list[datetime]:
        """Return the starts that search lists."""
        return [slot.starts_at for slot in self.search(start, end, **changes).slots]

    def add_offering(self, name: str = "Colour", *, assign: bool = True, **fields: Any) -> m.Offering:
        """Add an offering, by default also assigned to the provider."""
        request = m.CreateOffering(**{"name": name, "duration_minutes": 30, **fields})
        offering = self.port.create_offering(self.staff.writes(), request)
        if assign:
            self.perform(offering)
        return offering

    def change_offering(self, offering: m.Offering | None = None, **fields: Any) -> m.Offering:
        """Update the shop's offering, or `offering`, with other `fields`."""
        of = offering or self.offering
        stands = {name: getattr(of, name) for name in m.UpdateOffering.__struct_fields__}
        return self.port.update_offering(self.staff.writes(), m.UpdateOffering(**{**stands, **fields}))

    def perform(self, *offerings: m.Offering, provider: m.Provider | None = None) -> m.Provider:
        """Assign these offerings to the provider in addition to the current ones."""
        to = provider or self.provider
        listed = self.port.list_providers(self.anonymous.reads(), m.ListProviders()).providers
        performed = next(each.offering_ids for each in listed if each.provider_id == to.provider_id)
        ids = (*performed, *(offering.offering_id for offering in offerings))
        return self._assign(to, ids)

    def assign(self, *offerings: m.Offering, provider: m.Provider | None = None) -> m.Provider:
        """Assign only these offerings to the provider."""
        return self._assign(provider or self.provider, tuple(offering.offering_id for offering in offerings))

    def _assign(self, to: m.Provider, offering_ids: tuple[UUID, ...]) -> m.Provider:
        request = m.AssignOfferings(provider_id=to.provider_id, offering_ids=offering_ids)
        return self.port.assign_offerings(self.staff.writes(), request)

    def add_provider(self, name: str = "Zoe", *, zone: str = "UTC", **fields: Any) -> m.Provider:
        """Add a provider with the same offering and hours."""
        request = m.CreateProvider(name=name, zone=zone, **fields)
        provider = self.port.create_provider(self.staff.writes(), request)
        self.assign(self.offering, provider=provider)
        return self.work(OFFICE_HOURS, provider=provider)

    def work(self, ranges: Sequence[m.WeeklyRange], *, provider: m.Provider | None = None, **dated: Any) -> m.Provider:
        """Set the provider's week; `dated` are the further fields of `SetWeeklyHours`."""
        to = provider or self.provider
        request = m.SetWeeklyHours(provider_id=to.provider_id, ranges=tuple(ranges), **dated)
        return self.port.set_weekly_hours(self.staff.writes(), request)

    def override(
        self, day: date, mode: m.OverrideMode, *ranges: tuple[str, str], provider: m.Provider | None = None
    ) -> m.DateOverride:
        """Override the hours of one date; each range is (opens, closes)."""
        to = provider or self.provider
        own = tuple(m.DayRange(opens=opens, closes=closes) for opens, closes in ranges)
        request = m.SetDateOverride(provider_id=to.provider_id, date=day, mode=mode, ranges=own)
        return self.port.set_date_override(self.staff.writes(), request)

    def set_holidays(self, *days: date) -> m.Holidays:
        request = m.SetHolidays(holidays=tuple(m.Holiday(date=each, name="Holiday") for each in days))
        return self.port.set_holidays(self.staff.writes(), request)

    def block(self, start: datetime, end: datetime, **fields: Any) -> m.Block:
        """Block time of the business, or of `provider_id` or `resource_id`."""
        return self.port.block_time(self.staff.writes(), m.BlockTime(start=start, end=end, **fields))

    def unblock(self, block: m.Block) -> m.Block:
        return self.port.remove_block(self.staff.writes(), m.RemoveBlock(block_id=block.block_id))

    def add_resource(self, name: str = "Room 1", *, kind: str = "room") -> m.Resource:
        return self.port.create_resource(self.staff.writes(), m.CreateResource(name=name, kind=kind))

    def change_resource(self, resource: m.Resource, **fields: Any) -> m.Resource:
        """Update the resource with other `fields`."""
        stands = {name: getattr(resource, name) for name in m.UpdateResource.__struct_fields__}
        return self.port.update_resource(self.staff.writes(), m.UpdateResource(**{**stands, **fields}))

    def through(self, port: SchedulingPort) -> "Shop":
        """Return the same business behind another port."""
        return replace(self, port=port)


def hours(opens: str, closes: str, *weekdays: int) -> list[m.WeeklyRange]:
    """Return one range for each weekday (1 is Monday), by default for all seven."""
    return [m.WeeklyRange(weekday=each, opens=opens, closes=closes) for each in weekdays or range(1, 8)]


OFFICE_HOURS = hours("09:00", "17:00", 1, 2, 3, 4, 5)


def open_shop(port: SchedulingPort, business_id: UUID, *, zone: str = "UTC", **offering: Any) -> Shop:
    """Open a shop. By default the offering takes an hour, on the hour. `zone` is the provider's."""
    system, staff = Caller(business_id, SYSTEM), Caller(business_id, Actor("staff", uuid4()))
    port.open_business(system.writes(), m.OpenBusiness(name="Salon", zone="Europe/Paris"))
    fields = {"name": "Cut", "duration_minutes": 60, "cancel_cutoff_minutes": 0, **offering}
    shop = Shop(
        port=port,
        system=system,
        staff=staff,
        customer=customer_of(business_id),
        stranger=customer_of(business_id),
        anonymous=Caller(business_id, ANONYMOUS),
        offering=port.create_offering(staff.writes(), m.CreateOffering(**fields)),
        provider=port.create_provider(staff.writes(), m.CreateProvider(name="Ada", zone=zone)),
    )
    shop.assign(shop.offering)
    return replace(shop, provider=shop.work(OFFICE_HOURS))


@contextmanager
def refused(kind: type[SchedulingError], **details: Any) -> Iterator[None]:
    """Assert that the block raises exactly this error with these details."""
    with pytest.raises(kind) as caught:
        yield
    assert type(caught.value) is kind
    assert caught.value.message
    found = caught.value.details()
    assert {name: found[name] for name in details} == details
