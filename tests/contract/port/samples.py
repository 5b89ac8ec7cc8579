"""One valid request per operation, and the data that it needs to succeed."""

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import TypeVar
from uuid import UUID, uuid4

import msgspec

from contracts.scheduling import models as m
from contracts.scheduling.context import ActorKind
from contracts.scheduling.models import Request
from tests.contract.port.adapters import Adapter
from tests.contract.port.appointments import hold, let_begin
from tests.contract.port.shop import MONDAY, OFFICE_HOURS, TUESDAY, Caller, Shop, at

FAR = date(2041, 1, 1)
"""A date that no other sample uses."""


@dataclass(frozen=True)
class SampleIds:
    """Ids that the samples use. All appointments except `missed` are with the shop's customer and provider."""

    booked: UUID
    """At `NINE`."""
    held: UUID
    asked: UUID
    asked_too: UUID
    """Two pending appointments."""
    begun: UUID
    missed: UUID
    """Two that have begun."""
    series: UUID
    in_series: UUID
    entry: UUID
    block: UUID
    resource: UUID


def unknown(**known: UUID) -> SampleIds:
    """Return ids of which only the named ones exist."""
    return SampleIds(**{field.name: uuid4() for field in fields(SampleIds)} | known)


def standing(adapter: Adapter, shop: Shop) -> SampleIds:
    """Create everything that the samples need."""
    recurring = shop.port.book_series(shop.customer.writes(), _series(shop, at(9, day=2)))
    begun, missed = shop.book(at(14)), shop.book(at(14), provider_id=shop.add_provider("Bea").provider_id)
    let_begin(adapter, begun)
    let_begin(adapter, missed)
    shop.change_offering(requires_approval=True)
    asked, asked_too = shop.book(at(10, day=1)), shop.book(at(11, day=1))
    shop.change_offering(requires_approval=False)
    return SampleIds(
        booked=shop.book().appointment_id,
        held=hold(shop, TUESDAY + timedelta(hours=9)).appointment_id,
        asked=asked.appointment_id,
        asked_too=asked_too.appointment_id,
        begun=begun.appointment_id,
        missed=missed.appointment_id,
        series=recurring.series_id,
        in_series=recurring.appointments[0].appointment_id,
        entry=shop.port.join_waitlist(shop.customer.writes(), _waiting(shop)).entry_id,
        block=shop.block(at(9, day=300), at(10, day=300)).block_id,
        resource=shop.add_resource().resource_id,
    )


def samples(shop: Shop, of: SampleIds) -> dict[str, Request]:
    """Return the requests by operation name. In the order of `OPERATIONS` all of them succeed."""
    return {
        **_of_the_catalog(shop),
        **_of_times(shop, of),
        **_of_searches(shop),
        **_of_appointments(shop, of),
        **_of_groups(shop, of),
        **_of_the_waitlist(shop, of),
    }


def _of_the_catalog(shop: Shop) -> dict[str, Request]:
    offering_id, provider_id = shop.offering.offering_id, shop.provider.provider_id
    return {
        "open_business": m.OpenBusiness(name="Salon", zone="Europe/Paris"),
        "update_business": m.UpdateBusiness(name="Salon", zone="Europe/Paris"),
        "get_business": m.GetBusiness(),
        "create_offering": m.CreateOffering(name="Colour", duration_minutes=30),
        "update_offering": m.UpdateOffering(offering_id=offering_id, name="Cut", duration_minutes=60),
        "list_offerings": m.ListOfferings(),
        "create_provider": m.CreateProvider(name="Zoe", zone="UTC"),
        "update_provider": m.UpdateProvider(provider_id=provider_id, name="Ada", zone="UTC"),
        "list_providers": m.ListProviders(),
        "assign_offerings": m.AssignOfferings(provider_id=provider_id, offering_ids=(offering_id,)),
    }


def _of_times(shop: Shop, of: SampleIds) -> dict[str, Request]:
    provider_id = shop.provider.provider_id
    return {
        "set_weekly_hours": m.SetWeeklyHours(provider_id=provider_id, ranges=tuple(OFFICE_HOURS)),
        "set_date_override": m.SetDateOverride(provider_id=provider_id, date=FAR, mode="close"),
        "list_date_overrides": m.ListDateOverrides(provider_id=provider_id, first=FAR, last=FAR),
        "set_holidays": m.SetHolidays(holidays=(m.Holiday(date=FAR, name="New Year"),)),
        "list_holidays": m.ListHolidays(),
        "block_time": m.BlockTime(start=at(0, day=301), end=at(0, day=302)),
        "remove_block": m.RemoveBlock(block_id=of.block),
        "list_blocks": m.ListBlocks(start=MONDAY, end=TUESDAY),
        "create_resource": m.CreateResource(name="Room 2", kind="room"),
        "update_resource": m.UpdateResource(resource_id=of.resource, name="Room 1", kind="room"),
        "list_resources": m.ListResources(),
    }


def _of_searches(shop: Shop) -> dict[str, Request]:
    offering_id, provider_id = shop.offering.offering_id, shop.provider.provider_id
    return {
        "search_slots": m.SearchSlots(offering_id=offering_id, provider_id=provider_id, start=MONDAY, end=TUESDAY),
        "next_available": m.NextAvailable(offering_id=offering_id, after=MONDAY),
        "get_overview": m.GetOverview(offering_id=offering_id, first=MONDAY.date(), days=7),
        "search_visits": m.SearchVisits(offering_ids=(offering_id, offering_id), start=MONDAY, end=TUESDAY),
        "get_agenda": m.GetAgenda(provider_id=provider_id, start=MONDAY, end=TUESDAY),
    }


def _of_appointments(shop: Shop, of: SampleIds) -> dict[str, Request]:
    booking = shop.booking(at(13))
    return {
        "book": shop.booking(at(10)),
        "hold": m.Hold(**{name: getattr(booking, name) for name in m.Hold.__struct_fields__}),
        "extend_hold": m.ExtendHold(appointment_id=of.held),
        "confirm": m.Confirm(appointment_id=of.held),
        "approve": m.Approve(appointment_id=of.asked),
        "decline": m.Decline(appointment_id=of.asked_too),
        "get_appointment": m.GetAppointment(appointment_id=of.booked),
        "reschedule": m.Reschedule(appointment_id=of.booked, starts_at=at(11), expected_version=1),
        "cancel": m.Cancel(appointment_id=of.booked),
        "complete": m.Complete(appointment_id=of.begun),
        "mark_no_show": m.MarkNoShow(appointment_id=of.missed),
        "get_history": m.GetHistory(appointment_id=of.booked),
        "list_appointments": m.ListAppointments(customer_id=shop.customer.id),
    }


def _of_groups(shop: Shop, of: SampleIds) -> dict[str, Request]:
    first, item = of.in_series, m.VisitItem(offering_id=shop.offering.offering_id)
    visit = m.BookVisit(customer_id=shop.customer.id, starts_at=at(12, day=4), items=(item, item))
    return {
        "book_series": _series(shop, at(10, day=2)),
        "get_series": m.GetSeries(series_id=of.series),
        "reschedule_series": m.RescheduleSeries(
            series_id=of.series, from_appointment_id=first, starts_at=at(11, day=2)
        ),
        "cancel_series": m.CancelSeries(series_id=of.series, from_appointment_id=first),
        "book_visit": visit,
    }


def _of_the_waitlist(shop: Shop, of: SampleIds) -> dict[str, Request]:
    return {
        "join_waitlist": _waiting(shop),
        "leave_waitlist": m.LeaveWaitlist(entry_id=of.entry),
        "list_waitlist": m.ListWaitlist(),
        "settle": m.Settle(),
    }


def _series(shop: Shop, starts_at: datetime) -> m.BookSeries:
    return m.BookSeries(
        offering_id=shop.offering.offering_id,
        provider_id=shop.provider.provider_id,
        customer_id=shop.customer.id,
        starts_at=starts_at,
        recurrence=m.Recurrence(every="day", count=2),
    )


def _waiting(shop: Shop) -> m.JoinWaitlist:
    """Return a request for a slot that stays occupied."""
    return m.JoinWaitlist(
        offering_id=shop.offering.offering_id,
        customer_id=shop.customer.id,
        provider_id=shop.provider.provider_id,
        start=TUESDAY + timedelta(hours=9),
        end=TUESDAY + timedelta(hours=10),
    )


def caller_of(shop: Shop, kind: ActorKind) -> Caller:
    """Return the shop's caller for an operation; the customer is the one with the bookings."""
    callers = {each.actor.kind: each for each in (shop.system, shop.staff, shop.customer, shop.anonymous)}
    return callers[kind]


S = TypeVar("S", bound=msgspec.Struct)


def spoilt(request: S, **fields: object) -> S:
    """Return the request with invalid values, which a Python caller can pass by bypassing the model."""
    copy = msgspec.structs.replace(request)
    for name, value in fields.items():
        msgspec.structs.force_setattr(copy, name, value)
    return copy
