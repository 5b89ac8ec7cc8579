"""What is another business's is as if it were not there."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    AppointmentNotFound,
    OfferingNotFound,
    ProviderNotFound,
    SchedulingError,
)
from tests.contract.port.adapters import Adapter
from tests.contract.port.shop import MONDAY, Caller, Shop, at, open_shop, refused

DAY = timedelta(days=1)


@pytest.fixture
def theirs(adapter: Adapter) -> Shop:
    return open_shop(adapter.port, adapter.new_business())


def test_nothing_of_another_business_can_be_reached(shop: Shop, theirs: Shop) -> None:
    appointment_id = theirs.book().appointment_id
    offering_id, provider_id = theirs.offering.offering_id, theirs.provider.provider_id
    port, staff = shop.port, shop.staff
    attempts: list[tuple[type[SchedulingError], Callable[[], object]]] = [
        (
            AppointmentNotFound,
            lambda: port.get_appointment(staff.reads(), m.GetAppointment(appointment_id=appointment_id)),
        ),
        (AppointmentNotFound, lambda: port.cancel(staff.writes(), m.Cancel(appointment_id=appointment_id))),
        (
            AppointmentNotFound,
            lambda: port.reschedule(
                staff.writes(), m.Reschedule(appointment_id=appointment_id, starts_at=at(10), expected_version=1)
            ),
        ),
        (OfferingNotFound, lambda: shop.book(offering_id=offering_id)),
        (ProviderNotFound, lambda: shop.book(provider_id=provider_id)),
        (OfferingNotFound, lambda: shop.search(offering_id=offering_id)),
        (ProviderNotFound, lambda: shop.search(provider_id=provider_id)),
        (
            OfferingNotFound,
            lambda: port.update_offering(
                staff.writes(), m.UpdateOffering(offering_id=offering_id, name="Mine", duration_minutes=5)
            ),
        ),
        (
            ProviderNotFound,
            lambda: port.update_provider(
                staff.writes(), m.UpdateProvider(provider_id=provider_id, name="Mine", zone="UTC")
            ),
        ),
        (OfferingNotFound, lambda: shop.assign(theirs.offering)),
        (ProviderNotFound, lambda: shop.assign(shop.offering, provider=theirs.provider)),
        (ProviderNotFound, lambda: shop.work([], provider=theirs.provider)),
        (
            ProviderNotFound,
            lambda: port.get_agenda(
                staff.reads(), m.GetAgenda(provider_id=provider_id, start=MONDAY, end=MONDAY + DAY)
            ),
        ),
    ]
    for error, attempt in attempts:
        with refused(error):
            attempt()
    assert port.list_appointments(staff.reads(), m.ListAppointments(provider_id=provider_id)).appointments == ()


def test_lists_hold_one_s_own_only(shop: Shop, theirs: Shop) -> None:
    mine, other = shop.book(), theirs.book()
    for each, appointment in ((shop, mine), (theirs, other)):
        reads = each.staff.reads
        assert each.port.list_appointments(reads(), m.ListAppointments()).appointments == (appointment,)
        assert each.port.list_offerings(reads(), m.ListOfferings()).offerings == (each.offering,)
        assert each.port.list_providers(reads(), m.ListProviders()).providers == (each.provider,)


def test_a_customer_of_two_businesses_has_a_life_in_each(shop: Shop, theirs: Shop) -> None:
    mine = shop.book()
    same_person = Caller(theirs.business_id, shop.customer.actor)
    page = theirs.port.list_appointments(same_person.reads(), m.ListAppointments())
    assert page.appointments == ()
    with refused(AppointmentNotFound):
        theirs.port.get_appointment(same_person.reads(), m.GetAppointment(appointment_id=mine.appointment_id))


def test_a_busy_provider_here_leaves_others_there_free(shop: Shop, theirs: Shop) -> None:
    shop.book(at(9))
    assert at(9) in theirs.starts()
    assert theirs.book(at(9)).starts_at == at(9)
