"""Holds: they occupy a slot for one holder, and expire by the database's clock."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    AppointmentNotFound,
    Forbidden,
    HoldExpired,
    InvalidTransition,
    SlotUnavailable,
)
from tests.contract.port.adapters import Adapter
from tests.contract.port.appointments import cancel, confirm, extend, get, hold, let_expire, let_time_pass, move
from tests.contract.port.shop import MONDAY, Shop, at, refused


def test_hold_is_an_appointment_that_expires(shop: Shop) -> None:
    shop.change_offering(hold_minutes=7)
    before = datetime.now(UTC)
    held = hold(shop, at(9))
    assert (held.status, held.version, held.starts_at, held.ends_at) == ("held", 1, at(9), at(10))
    assert held.hold_expires_at is not None
    assert before <= held.hold_expires_at - timedelta(minutes=7) <= datetime.now(UTC)
    assert get(shop, held) == held


def test_a_hold_occupies_its_time(shop: Shop) -> None:
    hold(shop, at(9))
    assert at(9) not in shop.starts()
    with refused(SlotUnavailable, reason="taken"):
        shop.book(at(9), shop.stranger)
    with refused(SlotUnavailable, reason="taken"):
        hold(shop, at(9), shop.stranger)
    with refused(SlotUnavailable, reason="taken"):
        hold(shop, at(9))


def test_exactly_the_listed_slots_can_be_held(shop: Shop) -> None:
    for start in shop.starts():
        hold(shop, start)
    assert shop.starts() == []
    for reason, start in {"outside_hours": at(18), "off_grid": at(9, 30, day=1)}.items():
        with refused(SlotUnavailable, reason=reason):
            hold(shop, start)


def test_confirming_makes_it_an_appointment(shop: Shop) -> None:
    held = hold(shop, at(9))
    booked = confirm(shop, held, note="Window seat")
    assert (booked.status, booked.version, booked.note) == ("booked", 2, "Window seat")
    assert (booked.appointment_id, booked.starts_at) == (held.appointment_id, held.starts_at)
    assert booked.booked_at >= held.booked_at
    assert get(shop, booked) == booked
    assert at(9) not in shop.starts()


def test_a_confirmed_hold_of_an_offering_with_approval_is_pending(shop: Shop) -> None:
    shop.change_offering(requires_approval=True)
    assert confirm(shop, hold(shop, at(9))).status == "pending"
    assert at(9) not in shop.starts()


def test_only_a_hold_is_confirmed_and_only_once(shop: Shop) -> None:
    held = hold(shop, at(9))
    confirm(shop, held)
    with refused(InvalidTransition):
        confirm(shop, held)
    with refused(InvalidTransition):
        confirm(shop, shop.book(at(10)))
    with refused(AppointmentNotFound):
        shop.port.confirm(shop.customer.writes(), m.Confirm(appointment_id=uuid4()))


def test_a_hold_belongs_to_one_customer(shop: Shop) -> None:
    held = hold(shop, at(9))
    with refused(AppointmentNotFound):
        confirm(shop, held, shop.stranger)
    with refused(AppointmentNotFound):
        cancel(shop, held, shop.stranger)
    with refused(Forbidden):
        hold(shop, at(10), shop.customer, customer_id=shop.stranger.id)
    assert hold(shop, at(10), shop.staff, customer_id=shop.customer.id).customer_id == shop.customer.id


def test_cancelled_hold_frees_the_slot(shop: Shop) -> None:
    held = hold(shop, at(9))
    back = cancel(shop, held)
    assert (back.status, back.version, back.fee_percent) == ("cancelled", 2, 0)
    assert shop.book(at(9), shop.stranger).starts_at == at(9)
    with refused(InvalidTransition):
        confirm(shop, held)


def test_a_hold_cannot_be_rescheduled(shop: Shop) -> None:
    with refused(InvalidTransition):
        move(shop, hold(shop, at(9)), at(10))


def test_expired_hold_frees_the_slot(adapter: Adapter, shop: Shop) -> None:
    held = hold(shop, at(9))
    let_expire(adapter, held)
    assert at(9) in shop.starts()
    booked = shop.book(at(9), shop.stranger)
    assert booked.status == "booked"
    expired = get(shop, held)
    assert (expired.status, expired.version) == ("expired", 2)
    assert expired.cancelled_at is not None
    with refused(HoldExpired):
        confirm(shop, held)


def test_expired_hold_cannot_be_confirmed(adapter: Adapter, shop: Shop) -> None:
    held = hold(shop, at(9))
    let_expire(adapter, held)
    with refused(HoldExpired):
        confirm(shop, held)
    assert shop.book(at(9), shop.stranger).starts_at == at(9)


def test_one_booking_replaces_several_expired_holds(adapter: Adapter, shop: Shop) -> None:
    short = shop.add_offering("Fringe", duration_minutes=15)
    held = [hold(shop, at(9, 15 * n), offering_id=short.offering_id) for n in range(4)]
    for each in held:
        let_expire(adapter, each)
    assert shop.book(at(9)).ends_at == at(10)
    assert {get(shop, each).status for each in held} == {"expired"}


def test_rescheduling_into_an_expired_hold(adapter: Adapter, shop: Shop) -> None:
    booked, held = shop.book(at(9)), hold(shop, at(10), shop.stranger)
    with refused(SlotUnavailable, reason="taken"):
        move(shop, booked, at(10))
    let_expire(adapter, held)
    assert move(shop, booked, at(10)).starts_at == at(10)
    assert get(shop, held).status == "expired"


def test_agenda_contains_holds(adapter: Adapter, shop: Shop) -> None:
    shop.change_offering(requires_approval=True)
    held, over, pending = hold(shop, at(9)), hold(shop, at(10)), shop.book(at(11))
    let_expire(adapter, over)
    request = m.GetAgenda(provider_id=shop.provider.provider_id, start=MONDAY, end=at(24))
    assert list(shop.port.get_agenda(shop.staff.reads(), request).appointments) == [held, pending]


def test_a_hold_is_extended_by_its_minutes_from_now(adapter: Adapter, shop: Shop) -> None:
    held = hold(shop, at(9))
    before = datetime.now(UTC)
    extended = extend(shop, held)
    minutes = timedelta(minutes=shop.offering.hold_minutes)
    assert (extended.status, extended.version) == ("held", 2)
    assert extended.hold_expires_at is not None
    assert before <= extended.hold_expires_at - minutes <= datetime.now(UTC)
    assert at(9) not in shop.starts()
    assert confirm(shop, extended).status == "booked"
    with refused(InvalidTransition):
        extend(shop, held)


def test_a_hold_that_has_ended_is_not_extended(adapter: Adapter, shop: Shop) -> None:
    held = hold(shop, at(9))
    let_expire(adapter, held)
    with refused(HoldExpired):
        extend(shop, held)
    with refused(AppointmentNotFound):
        extend(shop, hold(shop, at(10)), shop.stranger)


def test_a_hold_ends_after_ten_extensions(adapter: Adapter, shop: Shop) -> None:
    held = hold(shop, at(9))
    let_time_pass(adapter, held, 10 * shop.offering.hold_minutes + 1)
    last = extend(shop, held)
    assert last.hold_expires_at is not None
    assert last.hold_expires_at < datetime.now(UTC) + timedelta(minutes=shop.offering.hold_minutes - 0.5)
    with refused(InvalidTransition):
        extend(shop, held)


def test_seats_of_a_session_are_held_as_long_as_the_longest_hold(adapter: Adapter, shop: Shop) -> None:
    shop.change_offering(capacity=2)
    first, second = hold(shop, at(9)), hold(shop, at(9), shop.stranger)
    extend(shop, first)
    let_expire(adapter, second)
    assert shop.book(at(9), shop.stranger).status == "booked"
    assert confirm(shop, first).status == "booked"
    assert at(9) not in shop.starts()


def test_a_repeated_key_returns_the_same_hold(shop: Shop) -> None:
    request = m.Hold(offering_id=shop.offering.offering_id, customer_id=shop.customer.id, starts_at=at(9))
    first = shop.port.hold(shop.customer.writes("one"), request)
    assert shop.port.hold(shop.customer.writes("one"), request) == first
