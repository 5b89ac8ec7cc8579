"""Booking: listed slots can be booked, all others are refused with a reason."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    AppointmentNotFound,
    OfferingNotFound,
    ProviderNotFound,
    SlotUnavailable,
)
from tests.contract.port.appointments import get
from tests.contract.port.shop import Shop, at, hours, refused


def test_appointment_has_the_requested_values(shop: Shop) -> None:
    before = datetime.now(UTC)
    booked = shop.book(at(9), note="Window seat, s'il vous plaît")
    assert booked == m.Appointment(
        appointment_id=booked.appointment_id,
        offering_id=shop.offering.offering_id,
        offering_name="Cut",
        provider_id=shop.provider.provider_id,
        provider_name="Ada",
        customer_id=shop.customer.id,
        starts_at=at(9),
        ends_at=at(10),
        zone="UTC",
        status="booked",
        version=1,
        note="Window seat, s'il vous plaît",
        booked_at=booked.booked_at,
    )
    assert before <= booked.booked_at <= datetime.now(UTC)
    assert get(shop, booked) == booked


def test_instants_leave_in_utc_whatever_offset_they_came_with(shop: Shop) -> None:
    booked = shop.book(datetime.fromisoformat("2040-06-04T14:30:00+05:30"))
    for instant in (booked.starts_at, booked.ends_at, booked.booked_at, get(shop, booked).starts_at):
        assert instant.tzinfo == UTC
    assert booked.starts_at == at(9)


def test_the_appointment_has_the_provider_s_time_zone(shop: Shop) -> None:
    marie = shop.add_provider("Marie", zone="Europe/Paris")
    assert shop.book(at(7), provider_id=marie.provider_id).zone == "Europe/Paris"


def test_listed_slots_can_be_booked_until_none_is_left(shop: Shop) -> None:
    listed = shop.starts()
    for start in listed:
        shop.book(start)
    assert len(listed) == 8
    assert shop.starts() == []


def test_unlisted_start_is_refused(shop: Shop) -> None:
    shop.work(hours("09:10", "10:20", 1))
    listed = shop.starts()
    assert listed == [at(9, 10)]
    for minute in range(0, 85, 5):
        start = at(9) + timedelta(minutes=minute)
        if start not in listed:
            with refused(SlotUnavailable, reason="off_grid" if minute in (15, 20) else "outside_hours"):
                shop.book(start)


@pytest.mark.parametrize("start", [at(10), at(9, 30), at(10, 30)])
def test_overlapping_start_is_refused(shop: Shop, start: datetime) -> None:
    half_hourly = m.UpdateOffering(
        offering_id=shop.offering.offering_id, name="Cut", duration_minutes=60, step_minutes=30
    )
    shop.port.update_offering(shop.staff.writes(), half_hourly)
    shop.book(at(10))
    with refused(SlotUnavailable, reason="taken"):
        shop.book(start, shop.stranger)


def test_appointments_may_touch_without_overlapping(shop: Shop) -> None:
    assert [shop.book(at(hour)).starts_at for hour in (10, 9, 11)] == [at(10), at(9), at(11)]


def test_another_provider_is_free_at_the_same_time(shop: Shop) -> None:
    zoe = shop.add_provider()
    shop.book(at(9))
    assert shop.book(at(9), provider_id=zoe.provider_id).provider_id == zoe.provider_id


def test_a_customer_may_have_overlapping_appointments(shop: Shop) -> None:
    """Only the provider's time is exclusive."""
    zoe = shop.add_provider()
    assert shop.book(at(9)).starts_at == shop.book(at(9), provider_id=zoe.provider_id).starts_at


def test_refusal_states_its_reason(shop: Shop) -> None:
    with refused(SlotUnavailable, reason="outside_hours"):
        shop.book(at(17))
    with refused(SlotUnavailable, reason="outside_hours"):
        shop.book(at(16, 30))
    with refused(SlotUnavailable, reason="outside_hours"):
        shop.book(at(9, day=5))
    with refused(SlotUnavailable, reason="off_grid"):
        shop.book(at(9, 1))
    with refused(SlotUnavailable, reason="past"):
        shop.book(datetime(2020, 6, 1, 9, tzinfo=UTC))


def test_past_is_reported_before_occupied(shop: Shop) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    shop.work(hours("00:00", "24:00"))
    with refused(SlotUnavailable, reason="past"):
        shop.book(now)


def test_provider_without_the_offering_cannot_be_booked(shop: Shop) -> None:
    colour = shop.add_offering("Colour", assign=False)
    with refused(SlotUnavailable, reason="not_offered"):
        shop.book(offering_id=colour.offering_id)


def test_an_inactive_provider_cannot_be_booked(shop: Shop) -> None:
    request = m.UpdateProvider(provider_id=shop.provider.provider_id, name="Ada", zone="UTC", active=False)
    shop.port.update_provider(shop.staff.writes(), request)
    with refused(SlotUnavailable, reason="not_offered"):
        shop.book()


def test_inactive_offering_keeps_its_appointments_but_takes_no_new_ones(shop: Shop) -> None:
    booked = shop.book(at(9))
    request = m.UpdateOffering(offering_id=shop.offering.offering_id, name="Cut", duration_minutes=60, active=False)
    shop.port.update_offering(shop.staff.writes(), request)
    with refused(SlotUnavailable, reason="not_offered"):
        shop.book(at(10))
    assert get(shop, booked) == booked


def test_booking_unknown_ids_is_not_found(shop: Shop) -> None:
    with refused(OfferingNotFound):
        shop.book(offering_id=uuid4())
    with refused(ProviderNotFound):
        shop.book(provider_id=uuid4())


def test_only_its_customer_and_staff_see_an_appointment(shop: Shop) -> None:
    booked = shop.book()
    request = m.GetAppointment(appointment_id=booked.appointment_id)
    for caller in (shop.customer, shop.staff, shop.system):
        assert shop.port.get_appointment(caller.reads(), request) == booked
    with refused(AppointmentNotFound):
        shop.port.get_appointment(shop.stranger.reads(), request)
    with refused(AppointmentNotFound):
        shop.port.get_appointment(shop.staff.reads(), m.GetAppointment(appointment_id=uuid4()))
