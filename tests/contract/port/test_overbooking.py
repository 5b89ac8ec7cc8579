"""Overbooking by staff: explicit, marked and recorded."""

from datetime import date
from typing import Any

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import Forbidden, SlotUnavailable
from tests.contract.port.appointments import cancel, changes_of, get, move
from tests.contract.port.shop import Shop, at, hours, refused


def squeeze(shop: Shop, **fields: Any) -> m.Appointment:
    """Book as staff on behalf of the customer."""
    return shop.port.book(shop.staff.writes(), shop.booking(**{"overbook": True, **fields}))


def record(shop: Shop, appointment: m.Appointment) -> tuple[str, ...]:
    return changes_of(shop, appointment)[-1].overridden


def test_staff_overbook_explicitly(shop: Shop) -> None:
    first = shop.book(at(9))
    with refused(SlotUnavailable, reason="taken"):
        shop.port.book(shop.staff.writes(), shop.booking())
    second = squeeze(shop)
    assert (second.overbooked, second.status, second.starts_at) == (True, "booked", at(9))
    assert record(shop, second) == ("taken",)
    assert get(shop, second) == second
    assert get(shop, first) == first


def test_the_reason_is_recorded_for_staff(shop: Shop) -> None:
    first = shop.book(at(9))
    second = squeeze(shop, reason="A regular customer")
    moved = move(shop, second, at(9), shop.staff, overbook=True, reason="Swapped")
    assert [each.reason for each in changes_of(shop, moved)] == ["A regular customer", "Swapped"]
    seen = shop.port.get_history(shop.customer.reads(), m.GetHistory(appointment_id=second.appointment_id)).changes
    assert [each.reason for each in seen] == ["", ""], "customers see no reasons"
    assert [each.reason for each in changes_of(shop, first)] == [""]


def test_a_free_slot_is_not_marked_as_overbooked(shop: Shop) -> None:
    booked = squeeze(shop, override=True)
    assert booked.overbooked is False
    assert record(shop, booked) == ()
    with refused(SlotUnavailable, reason="taken"):
        shop.book(at(9), shop.stranger)


@pytest.mark.parametrize("flag", ["overbook", "override"])
def test_customer_cannot_override(shop: Shop, flag: str) -> None:
    booked, asked = shop.book(at(10)), dict[str, Any]({flag: True})
    with refused(Forbidden):
        shop.book(at(9), **asked)
    with refused(Forbidden):
        move(shop, booked, at(9), **asked)
    assert get(shop, booked) == booked


def test_an_overbooked_appointment_occupies_its_time(shop: Shop) -> None:
    first = shop.book(at(9))
    second = squeeze(shop)
    cancel(shop, first)
    assert at(9) not in shop.starts()
    with refused(SlotUnavailable, reason="taken"):
        shop.book(at(9), shop.stranger)
    cancel(shop, second)
    assert shop.book(at(9), shop.stranger).overbooked is False


def test_a_time_can_be_overbooked_repeatedly(shop: Shop) -> None:
    shop.book(at(9))
    assert all(squeeze(shop).overbooked for _ in range(3))


def test_an_override_ignores_the_time_rules(shop: Shop) -> None:
    with refused(SlotUnavailable, reason="outside_hours"):
        squeeze(shop, starts_at=at(20))
    late = squeeze(shop, starts_at=at(20), overbook=False, override=True)
    assert (late.overbooked, record(shop, late)) == (False, ("hours",))
    askew = squeeze(shop, starts_at=at(9, 7), overbook=False, override=True)
    assert record(shop, askew) == ("grid",)
    with refused(SlotUnavailable, reason="taken"):
        squeeze(shop, starts_at=at(20, 30), overbook=False, override=True)


def test_an_override_occupies_its_time(shop: Shop) -> None:
    squeeze(shop, starts_at=at(8), overbook=False, override=True)
    shop.work(hours("08:00", "17:00"))
    assert at(8) not in shop.starts()
    assert at(9) in shop.starts()


def test_a_holiday_is_overridden_like_closed_hours(shop: Shop) -> None:
    shop.set_holidays(date(2040, 6, 4))
    with refused(SlotUnavailable, reason="closed"):
        squeeze(shop)
    assert record(shop, squeeze(shop, override=True)) == ("hours",)


def test_overbooking_and_override_can_be_combined(shop: Shop) -> None:
    squeeze(shop, starts_at=at(20), override=True)
    both = squeeze(shop, starts_at=at(20), override=True)
    assert both.overbooked
    assert set(record(shop, both)) == {"hours", "taken"}


def test_an_override_ignores_notice_and_window(shop: Shop) -> None:
    shop.change_offering(min_notice_minutes=365 * 24 * 60)
    window = m.BookingWindow(kind="fixed", first=date(2041, 1, 1), last=date(2041, 12, 31))
    shop.change_offering(window=window)
    with refused(SlotUnavailable, reason="too_soon"):
        shop.port.book(shop.staff.writes(), shop.booking())
    assert record(shop, squeeze(shop, override=True, overbook=False)) == ("notice",)
    rolling = m.BookingWindow(kind="rolling_days", days=30)
    shop.change_offering(window=rolling)
    with refused(SlotUnavailable, reason="too_late"):
        shop.port.book(shop.staff.writes(), shop.booking(at(11)))
    assert record(shop, squeeze(shop, starts_at=at(11), override=True, overbook=False)) == ("window",)


def test_overbooking_ignores_limits(shop: Shop) -> None:
    shop.change_offering(limits=m.Limits(customer_day=1))
    shop.book(at(9))
    with refused(SlotUnavailable, reason="customer_limit"):
        shop.book(at(10))
    more = squeeze(shop, starts_at=at(10))
    assert (more.overbooked, record(shop, more)) == (False, ("limit",))


def test_past_and_unoffered_starts_cannot_be_overridden(shop: Shop) -> None:
    with refused(SlotUnavailable, reason="past"):
        squeeze(shop, starts_at=at(9, day=-7600), override=True)
    colour = shop.add_offering("Colour", assign=False)
    with refused(SlotUnavailable, reason="not_offered"):
        squeeze(shop, offering_id=colour.offering_id, override=True)


def test_rescheduling_can_overbook_an_occupied_time(shop: Shop) -> None:
    shop.book(at(9))
    mine = shop.book(at(10))
    with refused(SlotUnavailable, reason="taken"):
        move(shop, mine, at(9), shop.staff)
    moved = move(shop, mine, at(9), shop.staff, overbook=True)
    assert (moved.overbooked, record(shop, moved)) == (True, ("taken",))
    assert at(10) in shop.starts()


def test_moving_to_a_free_time_removes_the_overbooked_mark(shop: Shop) -> None:
    shop.book(at(9))
    moved = move(shop, squeeze(shop), at(11), shop.staff)
    assert moved.overbooked is False
    with refused(SlotUnavailable, reason="taken"):
        shop.book(at(11), shop.stranger)


def test_overbooking_exceeds_the_seats_of_a_session(shop: Shop) -> None:
    yoga = shop.add_offering("Yoga", capacity=2, duration_minutes=60)
    shop.book(at(9), offering_id=yoga.offering_id, seats=2)
    with refused(SlotUnavailable, reason="full"):
        shop.book(at(9), shop.stranger, offering_id=yoga.offering_id)
    third = squeeze(shop, offering_id=yoga.offering_id)
    assert (third.overbooked, record(shop, third)) == (True, ("full",))


def test_an_overbooked_provider_still_takes_a_free_room(shop: Shop) -> None:
    room = shop.add_resource()
    facial = shop.add_offering("Facial", needs=(m.ResourceNeed(kind="room"),), duration_minutes=60)
    zoe = shop.add_provider()
    shop.perform(facial, provider=zoe)
    shop.book(at(9))
    squeezed = squeeze(shop, offering_id=facial.offering_id)
    assert squeezed.resource_ids == (room.resource_id,)
    with refused(SlotUnavailable, reason="no_resource"):
        shop.book(at(9), shop.stranger, offering_id=facial.offering_id, provider_id=zoe.provider_id)


def test_overbooking_is_possible_without_a_free_room(shop: Shop) -> None:
    shop.add_resource()
    facial = shop.add_offering("Facial", needs=(m.ResourceNeed(kind="room"),), duration_minutes=60)
    zoe = shop.add_provider()
    shop.perform(facial, provider=zoe)
    shop.book(at(9), offering_id=facial.offering_id)
    squeezed = squeeze(shop, offering_id=facial.offering_id, provider_id=zoe.provider_id)
    assert (squeezed.overbooked, record(shop, squeezed)) == (True, ("resources",))
