"""Rescheduling and cancelling."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    AppointmentNotFound,
    InvalidTransition,
    ProviderNotFound,
    SlotUnavailable,
    VersionConflict,
)
from tests.contract.port.adapters import Adapter
from tests.contract.port.appointments import cancel, get, let_begin, move
from tests.contract.port.shop import Shop, at, open_shop, refused

MINUTES_OF_60_DAYS = 60 * 24 * 60


def test_rescheduling_keeps_the_id_and_counts_the_version(shop: Shop) -> None:
    booked = shop.book(at(9), note="Again")
    moved = move(shop, booked, at(14))
    assert (moved.starts_at, moved.ends_at, moved.version) == (at(14), at(15), 2)
    kept = ("appointment_id", "offering_id", "provider_id", "customer_id", "note", "booked_at", "status")
    assert all(getattr(moved, name) == getattr(booked, name) for name in kept)
    assert get(shop, booked) == moved
    assert at(9) in shop.starts()
    assert at(14) not in shop.starts()


def test_rescheduling_ignores_the_appointments_own_time(shop: Shop) -> None:
    half_hourly = shop.add_offering("Colour", duration_minutes=60, step_minutes=30)
    booked = shop.book(at(9), offering_id=half_hourly.offering_id)
    moved = move(shop, booked, at(9, 30))
    assert move(shop, moved, at(9, 30)).version == 3


def test_rescheduling_to_another_provider(shop: Shop) -> None:
    zoe = shop.add_provider(zone="Europe/Paris")
    booked = shop.book(at(9))
    moved = move(shop, booked, at(9), provider_id=zoe.provider_id)
    assert (moved.provider_id, moved.provider_name, moved.zone) == (zoe.provider_id, "Zoe", "Europe/Paris")


def test_rescheduling_follows_the_booking_rules(shop: Shop) -> None:
    booked = shop.book(at(9))
    shop.book(at(10))
    refusals = {
        "taken": at(10),
        "outside_hours": at(18),
        "off_grid": at(11, 1),
        "past": datetime(2020, 6, 1, 9, tzinfo=UTC),
    }
    for reason, start in refusals.items():
        with refused(SlotUnavailable, reason=reason):
            move(shop, booked, start)
    with refused(ProviderNotFound):
        move(shop, booked, at(9), provider_id=uuid4())
    assert get(shop, booked) == booked


def test_rescheduling_to_a_provider_without_the_offering(shop: Shop) -> None:
    zoe = shop.add_provider()
    shop.assign(provider=zoe)
    with refused(SlotUnavailable, reason="not_offered"):
        move(shop, shop.book(at(9)), at(9), provider_id=zoe.provider_id)


def test_outdated_version_is_a_conflict(shop: Shop) -> None:
    booked = shop.book(at(9))
    move(shop, booked, at(10), by=shop.staff)
    with refused(VersionConflict, current_version=2):
        move(shop, booked, at(11))
    with refused(VersionConflict, current_version=2):
        cancel(shop, booked, expected_version=1)
    assert cancel(shop, booked, expected_version=2).version == 3


def test_only_its_customer_and_the_staff_change_an_appointment(shop: Shop) -> None:
    booked = shop.book(at(9))
    with refused(AppointmentNotFound):
        move(shop, booked, at(10), by=shop.stranger)
    with refused(AppointmentNotFound):
        cancel(shop, booked, by=shop.stranger)
    assert move(shop, booked, at(10), by=shop.staff).version == 2
    assert cancel(shop, booked, by=shop.system).version == 3


def test_change_of_an_unknown_id_is_not_found(shop: Shop) -> None:
    with refused(AppointmentNotFound):
        shop.port.cancel(shop.staff.writes(), m.Cancel(appointment_id=uuid4()))
    with refused(AppointmentNotFound):
        shop.port.reschedule(
            shop.staff.writes(), m.Reschedule(appointment_id=uuid4(), starts_at=at(9), expected_version=1)
        )


def test_cancelled_appointment_records_its_cancellation(shop: Shop) -> None:
    booked = shop.book(at(9))
    before = datetime.now(UTC)
    cancelled = cancel(shop, booked, reason="Ill")
    assert (cancelled.status, cancelled.version, cancelled.cancel_reason) == ("cancelled", 2, "Ill")
    assert cancelled.cancelled_at is not None
    assert before <= cancelled.cancelled_at <= datetime.now(UTC)
    assert (cancelled.starts_at, cancelled.ends_at) == (booked.starts_at, booked.ends_at)
    assert get(shop, booked) == cancelled


def test_a_cancelled_appointment_stays_cancelled(shop: Shop) -> None:
    cancelled = cancel(shop, shop.book(at(9)))
    with refused(InvalidTransition):
        cancel(shop, cancelled)
    with refused(InvalidTransition):
        cancel(shop, cancelled, by=shop.staff)
    with refused(InvalidTransition):
        move(shop, cancelled, at(10))
    assert get(shop, cancelled) == cancelled


def test_a_cancelled_time_can_be_booked_again(shop: Shop) -> None:
    cancel(shop, shop.book(at(9)))
    assert shop.book(at(9), shop.stranger).customer_id == shop.stranger.id


@pytest.fixture
def strict_shop(adapter: Adapter) -> Shop:
    """A shop that is always open and allows timely cancellation until 60 days before."""
    shop = open_shop(adapter.port, adapter.new_business(), cancel_cutoff_minutes=MINUTES_OF_60_DAYS)
    shop.work([m.WeeklyRange(weekday=day, opens="00:00", closes="24:00") for day in range(1, 8)])
    return shop


def next_week() -> datetime:
    return (datetime.now(UTC) + timedelta(days=7)).replace(hour=9, minute=0, second=0, microsecond=0)


def test_a_customer_who_cancels_before_the_cutoff_is_in_time(strict_shop: Shop) -> None:
    assert cancel(strict_shop, strict_shop.book(at(9))).cancelled_in_time is True


def test_a_customer_who_cancels_after_the_cutoff_is_late(strict_shop: Shop) -> None:
    assert cancel(strict_shop, strict_shop.book(next_week())).cancelled_in_time is False


def test_staff_always_cancel_in_time(strict_shop: Shop) -> None:
    assert cancel(strict_shop, strict_shop.book(next_week()), by=strict_shop.staff).cancelled_in_time is True


def test_begun_appointment_is_cancelled_by_staff_only_and_never_rescheduled(adapter: Adapter, shop: Shop) -> None:
    begun = shop.book(at(9))
    let_begin(adapter, begun)
    with refused(InvalidTransition):
        cancel(shop, begun)
    with refused(InvalidTransition):
        move(shop, begun, at(10))
    with refused(InvalidTransition):
        move(shop, begun, at(10), by=shop.staff)
    assert cancel(shop, begun, by=shop.staff).cancelled_in_time is True
