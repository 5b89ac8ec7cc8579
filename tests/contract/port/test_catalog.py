"""Offerings, providers, their assignment and their hours."""

from uuid import uuid4

from contracts.scheduling import models as m
from contracts.scheduling.errors import OfferingNotFound, ProviderNotFound
from tests.contract.port.shop import OFFICE_HOURS, Shop, at, hours, refused


def offerings(shop: Shop) -> tuple[m.Offering, ...]:
    return shop.port.list_offerings(shop.anonymous.reads(), m.ListOfferings()).offerings


def providers(shop: Shop) -> tuple[m.Provider, ...]:
    return shop.port.list_providers(shop.anonymous.reads(), m.ListProviders()).providers


def in_order(ranges: list[m.WeeklyRange]) -> list[tuple[int, str, str]]:
    return [(each.weekday, each.opens, each.closes) for each in ranges]


def week_of(provider: m.Provider) -> list[tuple[int, str, str]]:
    return [(each.weekday, each.opens, each.closes) for each in provider.weekly_hours]


def test_offering_has_the_requested_values(shop: Shop) -> None:
    request = m.CreateOffering(name="Colour", duration_minutes=90, step_minutes=15, cancel_cutoff_minutes=120)
    created = shop.port.create_offering(shop.staff.writes(), request)
    assert created == m.Offering(
        offering_id=created.offering_id,
        name="Colour",
        duration_minutes=90,
        step_minutes=15,
        cancel_cutoff_minutes=120,
        active=True,
    )
    assert created in offerings(shop)


def test_a_step_left_out_is_the_duration_and_the_cutoff_a_day(shop: Shop) -> None:
    created = shop.port.create_offering(shop.staff.writes(), m.CreateOffering(name="Wash", duration_minutes=20))
    assert (created.step_minutes, created.cancel_cutoff_minutes) == (20, 24 * 60)


def test_an_update_replaces_the_offering(shop: Shop) -> None:
    request = m.UpdateOffering(
        offering_id=shop.offering.offering_id, name="Trim", duration_minutes=15, cancel_cutoff_minutes=5, active=False
    )
    updated = shop.port.update_offering(shop.staff.writes(), request)
    assert updated == m.Offering(
        offering_id=shop.offering.offering_id,
        name="Trim",
        duration_minutes=15,
        step_minutes=15,
        cancel_cutoff_minutes=5,
        active=False,
    )
    assert offerings(shop) == (updated,)


def test_appointments_keep_their_times_when_the_offering_changes(shop: Shop) -> None:
    booked = shop.book(at(9))
    shop.port.update_offering(
        shop.staff.writes(),
        m.UpdateOffering(offering_id=shop.offering.offering_id, name="Cut", duration_minutes=15),
    )
    found = shop.port.get_appointment(shop.customer.reads(), m.GetAppointment(appointment_id=booked.appointment_id))
    assert (found.starts_at, found.ends_at) == (at(9), at(10))


def test_offerings_are_listed_by_name_then_id(shop: Shop) -> None:
    for name in ("Zest", "Beard", "Cut"):
        shop.add_offering(name, assign=False)
    listed = offerings(shop)
    assert [each.name for each in listed] == ["Beard", "Cut", "Cut", "Zest"]
    assert list(listed) == sorted(listed, key=lambda each: (each.name, each.offering_id))


def test_a_provider_begins_without_hours_or_offerings(shop: Shop) -> None:
    request = m.CreateProvider(name="Zoe", zone="Asia/Kolkata")
    created = shop.port.create_provider(shop.staff.writes(), request)
    assert created == m.Provider(
        provider_id=created.provider_id,
        name="Zoe",
        zone="Asia/Kolkata",
        active=True,
        offering_ids=(),
        weekly_hours=(),
    )
    assert providers(shop) == (shop.provider, created)


def test_an_update_replaces_the_provider_and_a_new_zone_keeps_the_hours(shop: Shop) -> None:
    request = m.UpdateProvider(provider_id=shop.provider.provider_id, name="Ada L.", zone="Asia/Kolkata", active=True)
    updated = shop.port.update_provider(shop.staff.writes(), request)
    assert (updated.name, updated.zone) == ("Ada L.", "Asia/Kolkata")
    assert (updated.offering_ids, updated.weekly_hours) == (shop.provider.offering_ids, shop.provider.weekly_hours)
    assert shop.starts()[0] == at(3, 30)


def test_assigning_replaces_the_set_and_may_be_repeated(shop: Shop) -> None:
    colour = shop.add_offering("Colour", assign=False)
    assert shop.assign(colour, colour).offering_ids == (colour.offering_id,)
    assert shop.assign(colour).offering_ids == (colour.offering_id,)
    assert set(shop.assign(colour, shop.offering).offering_ids) == {colour.offering_id, shop.offering.offering_id}
    assert shop.assign().offering_ids == ()


def test_hours_replace_the_week_and_are_listed_in_order(shop: Shop) -> None:
    week = [*hours("13:00", "24:00", 7), *hours("00:00", "12:30", 7, 1), *hours("12:30", "13:00", 7)]
    provider = shop.work(week)
    assert week_of(provider) == [
        (1, "00:00", "12:30"),
        (7, "00:00", "12:30"),
        (7, "12:30", "13:00"),
        (7, "13:00", "24:00"),
    ]
    assert shop.work(week) == provider
    assert week_of(shop.work(OFFICE_HOURS)) == in_order(OFFICE_HOURS)
    assert week_of(shop.work([])) == []


def test_change_of_an_unknown_id_is_not_found(shop: Shop) -> None:
    unknown, staff, port = uuid4(), shop.staff, shop.port
    with refused(OfferingNotFound):
        port.update_offering(staff.writes(), m.UpdateOffering(offering_id=unknown, name="Cut", duration_minutes=60))
    with refused(ProviderNotFound):
        port.update_provider(staff.writes(), m.UpdateProvider(provider_id=unknown, name="Ada", zone="UTC"))
    with refused(ProviderNotFound):
        port.assign_offerings(staff.writes(), m.AssignOfferings(provider_id=unknown, offering_ids=()))
    with refused(ProviderNotFound):
        port.set_weekly_hours(staff.writes(), m.SetWeeklyHours(provider_id=unknown, ranges=()))


def test_assigning_an_unknown_offering_changes_nothing(shop: Shop) -> None:
    request = m.AssignOfferings(provider_id=shop.provider.provider_id, offering_ids=(uuid4(),))
    with refused(OfferingNotFound):
        shop.port.assign_offerings(shop.staff.writes(), request)
    assert providers(shop) == (shop.provider,)
