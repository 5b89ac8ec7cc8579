"""Data of another business is not found."""

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    AppointmentNotFound,
    BlockNotFound,
    OfferingNotFound,
    ProviderNotFound,
    ResourceNotFound,
    SchedulingError,
    SeriesNotFound,
    WaitlistEntryNotFound,
)
from contracts.scheduling.port import OPERATIONS
from tests.contract.port.adapters import Adapter
from tests.contract.port.samples import samples, standing
from tests.contract.port.shop import MONDAY, TUESDAY, Caller, Shop, at, open_shop, refused


@pytest.fixture
def theirs(adapter: Adapter) -> Shop:
    return open_shop(adapter.port, adapter.new_business())


NOT_FOUND: dict[type[SchedulingError], tuple[str, ...]] = {
    OfferingNotFound: (
        *("update_offering", "search_slots", "next_available", "get_overview", "search_visits"),
        *("book", "hold", "book_series", "book_visit", "join_waitlist"),
    ),
    ProviderNotFound: (
        *("update_provider", "assign_offerings", "set_weekly_hours", "set_date_override", "list_date_overrides"),
        "get_agenda",
    ),
    AppointmentNotFound: (
        *(
            "extend_hold",
            "confirm",
            "approve",
            "decline",
            "get_appointment",
            "reschedule",
            "cancel",
            "complete",
            "mark_no_show",
        ),
        "get_history",
    ),
    SeriesNotFound: ("get_series", "reschedule_series", "cancel_series"),
    WaitlistEntryNotFound: ("leave_waitlist",),
    ResourceNotFound: ("update_resource",),
    BlockNotFound: ("remove_block",),
}
NAMES_NOTHING = {
    *("open_business", "update_business", "get_business", "create_offering", "create_provider", "create_resource"),
    *("set_holidays", "block_time", "settle"),
    *(each.name for each in OPERATIONS if each.name.startswith("list_") and each.name != "list_date_overrides"),
}


def test_every_operation_with_ids_is_covered() -> None:
    tried = {name for names in NOT_FOUND.values() for name in names}
    assert tried | NAMES_NOTHING == {each.name for each in OPERATIONS}
    assert not tried & NAMES_NOTHING


@pytest.mark.row("H1")
def test_ids_of_another_business_are_not_found(adapter: Adapter, shop: Shop, theirs: Shop) -> None:
    requests = samples(theirs, standing(adapter, theirs))
    stood = everything(theirs)
    for error, names in NOT_FOUND.items():
        for operation in (each for each in OPERATIONS if each.name in names):
            ctx = shop.staff.writes() if operation.writes else shop.staff.reads()
            with refused(error):
                getattr(shop.port, operation.name)(ctx, requests[operation.name])
    assert everything(theirs) == stood


@pytest.mark.row("H1")
def test_ids_of_two_businesses_cannot_be_combined(shop: Shop, theirs: Shop) -> None:
    provider_id, room = theirs.provider.provider_id, theirs.add_resource()
    with refused(ProviderNotFound):
        shop.book(provider_id=provider_id)
    with refused(ProviderNotFound):
        shop.search(provider_id=provider_id)
    with refused(OfferingNotFound):
        shop.assign(theirs.offering)
    with refused(ProviderNotFound):
        shop.block(at(9), at(10), provider_id=provider_id)
    with refused(ResourceNotFound):
        shop.block(at(9), at(10), resource_id=room.resource_id)
    found = shop.port.list_appointments(shop.staff.reads(), m.ListAppointments(provider_id=provider_id))
    assert found.appointments == ()


def test_times_of_another_business_change_nothing_here(shop: Shop, theirs: Shop) -> None:
    before = shop.starts()
    theirs.set_holidays(MONDAY.date())
    theirs.block(MONDAY, TUESDAY)
    assert theirs.starts() == []
    assert shop.starts() == before
    assert shop.port.list_holidays(shop.staff.reads(), m.ListHolidays()).holidays == ()
    assert shop.port.list_blocks(shop.staff.reads(), m.ListBlocks(start=MONDAY, end=TUESDAY)).blocks == ()


def everything(shop: Shop) -> tuple[object, ...]:
    reads = shop.staff.reads
    return (
        shop.port.list_appointments(reads(), m.ListAppointments()),
        shop.port.list_offerings(reads(), m.ListOfferings()),
        shop.port.list_providers(reads(), m.ListProviders()),
        shop.port.list_resources(reads(), m.ListResources()),
        shop.port.list_waitlist(reads(), m.ListWaitlist()),
    )


def test_lists_contain_their_own_business_only(shop: Shop, theirs: Shop) -> None:
    mine, other = shop.book(), theirs.book()
    for each, appointment in ((shop, mine), (theirs, other)):
        reads = each.staff.reads
        assert each.port.list_appointments(reads(), m.ListAppointments()).appointments == (appointment,)
        assert each.port.list_offerings(reads(), m.ListOfferings()).offerings == (each.offering,)
        assert each.port.list_providers(reads(), m.ListProviders()).providers == (each.provider,)


def test_customer_of_two_businesses_has_separate_appointments(shop: Shop, theirs: Shop) -> None:
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
