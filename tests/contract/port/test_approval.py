"""Appointments that need approval occupy their time until staff decide."""

from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    AppointmentNotFound,
    Forbidden,
    InvalidTransition,
    SlotUnavailable,
    VersionConflict,
)
from tests.contract.port.appointments import approve, cancel, decline, get, move
from tests.contract.port.shop import Shop, at, refused


@pytest.fixture
def choosy(shop: Shop) -> Shop:
    """A shop whose offering needs approval."""
    shop.change_offering(requires_approval=True)
    return shop


def test_pending_booking_occupies_its_time(choosy: Shop) -> None:
    asked = choosy.book(at(9))
    assert (asked.status, asked.version) == ("pending", 1)
    assert at(9) not in choosy.starts()
    with refused(SlotUnavailable, reason="taken"):
        choosy.book(at(9), choosy.stranger)


def test_staff_need_no_approval(choosy: Shop) -> None:
    booked = choosy.port.book(choosy.staff.writes(), choosy.booking())
    assert booked.status == "booked"


def test_approval_books_the_appointment(choosy: Shop) -> None:
    asked = choosy.book(at(9))
    booked = approve(choosy, asked, expected_version=1)
    assert (booked.status, booked.version, booked.starts_at) == ("booked", 2, at(9))
    assert get(choosy, asked) == booked
    assert at(9) not in choosy.starts()


def test_declining_frees_the_slot(choosy: Shop) -> None:
    asked = choosy.book(at(9))
    declined = decline(choosy, asked, reason="On holiday")
    assert (declined.status, declined.version, declined.cancel_reason) == ("declined", 2, "On holiday")
    assert declined.cancelled_at is not None
    assert declined.fee_percent == 0
    assert choosy.book(at(9), choosy.stranger).starts_at == at(9)


def test_only_a_pending_appointment_is_decided_once(choosy: Shop) -> None:
    asked = choosy.book(at(9))
    approve(choosy, asked)
    for decide in (approve, decline):
        with refused(InvalidTransition):
            decide(choosy, asked)
    declined = choosy.book(at(10))
    decline(choosy, declined)
    for decide in (approve, decline):
        with refused(InvalidTransition):
            decide(choosy, declined)


def test_decision_checks_the_expected_version(choosy: Shop) -> None:
    asked = choosy.book(at(9))
    move(choosy, asked, at(10))
    with refused(VersionConflict, current_version=2):
        approve(choosy, asked, expected_version=1)
    with refused(VersionConflict, current_version=2):
        decline(choosy, asked, expected_version=1)
    assert approve(choosy, asked, expected_version=2).version == 3


def test_customer_cannot_decide(choosy: Shop) -> None:
    asked = choosy.book(at(9))
    with refused(Forbidden):
        choosy.port.approve(choosy.customer.writes(), m.Approve(appointment_id=asked.appointment_id))
    with refused(Forbidden):
        choosy.port.decline(choosy.customer.writes(), m.Decline(appointment_id=asked.appointment_id))


def test_decision_on_an_unknown_appointment_is_not_found(choosy: Shop) -> None:
    with refused(AppointmentNotFound):
        choosy.port.approve(choosy.staff.writes(), m.Approve(appointment_id=uuid4()))
    with refused(AppointmentNotFound):
        choosy.port.decline(choosy.staff.writes(), m.Decline(appointment_id=uuid4()))


def test_pending_appointment_can_be_rescheduled_and_cancelled(choosy: Shop) -> None:
    moved = move(choosy, choosy.book(at(9)), at(10))
    assert (moved.status, moved.starts_at) == ("pending", at(10))
    back = cancel(choosy, moved)
    assert (back.status, back.version) == ("cancelled", 3)
    assert at(10) in choosy.starts()
