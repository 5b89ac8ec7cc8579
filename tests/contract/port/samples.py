"""One valid request for each operation."""

from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import msgspec

from contracts.scheduling import models as m
from contracts.scheduling import operations as ops
from contracts.scheduling.context import ActorKind
from contracts.scheduling.models import Request
from tests.contract.port.shop import MONDAY, OFFICE_HOURS, Caller, Shop, at


def samples(shop: Shop, appointment_id: UUID) -> dict[str, Request]:
    """By the operation's name, in an order in which all of them succeed on a shop whose customer booked once."""
    offering_id, provider_id, week = shop.offering.offering_id, shop.provider.provider_id, tuple(OFFICE_HOURS)
    window = {"start": MONDAY, "end": MONDAY + timedelta(days=1)}
    return {
        ops.OPEN_BUSINESS.name: m.OpenBusiness(name="Salon", zone="Europe/Paris"),
        ops.GET_BUSINESS.name: m.GetBusiness(),
        ops.CREATE_OFFERING.name: m.CreateOffering(name="Colour", duration_minutes=30),
        ops.UPDATE_OFFERING.name: m.UpdateOffering(offering_id=offering_id, name="Cut", duration_minutes=60),
        ops.LIST_OFFERINGS.name: m.ListOfferings(),
        ops.CREATE_PROVIDER.name: m.CreateProvider(name="Zoe", zone="UTC"),
        ops.UPDATE_PROVIDER.name: m.UpdateProvider(provider_id=provider_id, name="Ada", zone="UTC"),
        ops.LIST_PROVIDERS.name: m.ListProviders(),
        ops.ASSIGN_OFFERINGS.name: m.AssignOfferings(provider_id=provider_id, offering_ids=(offering_id,)),
        ops.SET_WEEKLY_HOURS.name: m.SetWeeklyHours(provider_id=provider_id, ranges=week),
        ops.SEARCH_SLOTS.name: m.SearchSlots(offering_id=offering_id, provider_id=provider_id, **window),
        ops.BOOK.name: shop.booking(at(10)),
        ops.GET_APPOINTMENT.name: m.GetAppointment(appointment_id=appointment_id),
        ops.RESCHEDULE.name: m.Reschedule(appointment_id=appointment_id, starts_at=at(11), expected_version=1),
        ops.CANCEL.name: m.Cancel(appointment_id=appointment_id),
        ops.LIST_APPOINTMENTS.name: m.ListAppointments(customer_id=shop.customer.id),
        ops.GET_AGENDA.name: m.GetAgenda(provider_id=provider_id, **window),
    }


def caller_of(shop: Shop, kind: ActorKind) -> Caller:
    """The shop's own: its customer is the one who booked."""
    callers = {each.actor.kind: each for each in (shop.system, shop.staff, shop.customer, shop.anonymous)}
    return callers[kind]


S = TypeVar("S", bound=msgspec.Struct)


def spoilt(request: S, **fields: object) -> S:
    """The request with values that no model would accept: a caller in Python may always get round the model."""
    copy = msgspec.structs.replace(request)
    for name, value in fields.items():
        msgspec.structs.force_setattr(copy, name, value)
    return copy
