"""Opening a business, and calls for one that does not exist."""

from datetime import date

import pytest
from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import BusinessNotFound
from contracts.scheduling.operations import AnyOperation
from contracts.scheduling.port import OPERATIONS
from tests.contract.port.adapters import Adapter
from tests.contract.port.samples import samples, unknown
from tests.contract.port.shop import Caller, Shop, refused

SALON = m.OpenBusiness(name="Salon", zone="Europe/Paris")


@pytest.fixture
def newcomer(adapter: Adapter, shop: Shop) -> Caller:
    return Caller(adapter.new_business(), shop.system.actor)


def test_opened_business_has_the_requested_values(adapter: Adapter, newcomer: Caller) -> None:
    opened = adapter.port.open_business(newcomer.writes(), SALON)
    assert opened == m.Business(business_id=newcomer.business_id, name="Salon", zone="Europe/Paris", epoch=1)
    assert adapter.port.get_business(newcomer.reads(), m.GetBusiness()) == opened


def test_opening_a_business_again_returns_it_unchanged(adapter: Adapter, newcomer: Caller) -> None:
    opened = adapter.port.open_business(newcomer.writes(), SALON)
    assert adapter.port.open_business(newcomer.writes(), m.OpenBusiness(name="Other", zone="UTC")) == opened
    assert adapter.port.get_business(newcomer.reads(), m.GetBusiness()) == opened


def test_changed_name_and_zone_apply_to_new_events_and_searches(adapter: Adapter, newcomer: Caller) -> None:
    opened = adapter.port.open_business(newcomer.writes(), SALON)
    changed = adapter.port.update_business(newcomer.writes(), m.UpdateBusiness(name="Studio", zone="Asia/Tokyo"))
    assert changed == m.Business(business_id=opened.business_id, name="Studio", zone="Asia/Tokyo", epoch=1)
    assert adapter.port.get_business(newcomer.reads(), m.GetBusiness()) == changed
    offering = adapter.port.create_offering(newcomer.writes(), m.CreateOffering(name="Cut", duration_minutes=30))
    query = m.GetOverview(offering_id=offering.offering_id, first=date(2040, 6, 4), days=1)
    assert adapter.port.get_overview(newcomer.reads(), query).zone == "Asia/Tokyo"


def test_any_actor_may_read_a_business(shop: Shop) -> None:
    seen = [
        shop.port.get_business(caller.reads(), m.GetBusiness())
        for caller in (shop.anonymous, shop.customer, shop.staff, shop.system)
    ]
    assert seen[1:] == seen[:-1]
    assert seen[0].name == "Salon"


def test_new_business_is_empty(adapter: Adapter, newcomer: Caller) -> None:
    adapter.port.open_business(newcomer.writes(), SALON)
    assert adapter.port.list_offerings(newcomer.reads(), m.ListOfferings()).offerings == ()
    assert adapter.port.list_providers(newcomer.reads(), m.ListProviders()).providers == ()
    assert adapter.port.list_resources(newcomer.reads(), m.ListResources()).resources == ()
    assert adapter.port.list_holidays(newcomer.reads(), m.ListHolidays()).holidays == ()
    assert adapter.port.list_waitlist(newcomer.reads(), m.ListWaitlist()).entries == ()
    assert adapter.port.list_appointments(newcomer.reads(), m.ListAppointments()) == m.AppointmentPage(appointments=())


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS if each.name != "open_business"], ids=lambda operation: operation.name
)
def test_unopened_business_is_not_found(shop: Shop, operation: AnyOperation) -> None:
    nowhere = Caller(uuid7(), shop.system.actor)
    ctx = nowhere.writes() if operation.writes else nowhere.reads()
    with refused(BusinessNotFound):
        getattr(shop.port, operation.name)(ctx, samples(shop, unknown())[operation.name])
