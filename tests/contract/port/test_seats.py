"""Group sessions: several customers per session, several seats per booking."""

from typing import Any

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest, SlotUnavailable
from tests.contract.port.adapters import Adapter
from tests.contract.port.appointments import cancel, confirm, get, hold, let_expire, move
from tests.contract.port.shop import MONDAY, TUESDAY, Shop, at, customer_of, refused


@pytest.fixture
def yoga(shop: Shop) -> m.Offering:
    """Add an hourly offering for three customers, with the shop's provider."""
    return shop.add_offering("Yoga", duration_minutes=60, capacity=3)


def join(shop: Shop, yoga: m.Offering, hour: int = 9, **fields: Any) -> m.Appointment:
    """Book as a new customer."""
    return shop.book(at(hour), customer_of(shop.business_id), offering_id=yoga.offering_id, **fields)


def seats_left(shop: Shop, yoga: m.Offering, hour: int = 9, **asked: Any) -> int | None:
    """Return the free seats, or None if the hour is not listed."""
    listed = shop.search(MONDAY, TUESDAY, offering_id=yoga.offering_id, **asked).slots
    return next((slot.seats_left for slot in listed if slot.starts_at == at(hour)), None)


def test_a_session_is_listed_until_no_seat_is_left(shop: Shop, yoga: m.Offering) -> None:
    left = [seats_left(shop, yoga)]
    for _ in range(3):
        assert join(shop, yoga).seats == 1
        left.append(seats_left(shop, yoga))
    assert left == [3, 2, 1, None]
    with refused(SlotUnavailable, reason="full"):
        join(shop, yoga)
    assert seats_left(shop, yoga, 10) == 3


def test_several_seats_in_one_booking(shop: Shop, yoga: m.Offering) -> None:
    assert join(shop, yoga, seats=2).seats == 2
    assert seats_left(shop, yoga) == 1
    assert seats_left(shop, yoga, seats=2) is None
    with refused(SlotUnavailable, reason="full"):
        join(shop, yoga, seats=2)
    assert join(shop, yoga).seats == 1


def test_no_more_seats_than_the_service_has(shop: Shop, yoga: m.Offering) -> None:
    with refused(InvalidRequest, field="seats"):
        join(shop, yoga, seats=4)
    with refused(InvalidRequest, field="seats"):
        shop.book(at(9), seats=2)


def test_a_session_takes_the_provider_from_everything_else(shop: Shop, yoga: m.Offering) -> None:
    join(shop, yoga)
    assert at(9) not in shop.starts()
    with refused(SlotUnavailable, reason="taken"):
        shop.book(at(9))
    shop.book(at(10))
    with refused(SlotUnavailable, reason="taken"):
        join(shop, yoga, 10)


def test_released_seats_can_be_booked(shop: Shop, yoga: m.Offering) -> None:
    pair, single = join(shop, yoga, seats=2), join(shop, yoga)
    cancel(shop, pair, shop.staff)
    assert seats_left(shop, yoga) == 2
    cancel(shop, single, shop.staff)
    assert seats_left(shop, yoga) == 3
    assert shop.book(at(9)).status == "booked", "the last one to leave frees the provider"


def test_rescheduling_keeps_the_number_of_seats(shop: Shop, yoga: m.Offering) -> None:
    pair = join(shop, yoga, seats=2)
    moved = move(shop, pair, at(10), shop.staff)
    assert (moved.seats, moved.starts_at) == (2, at(10))
    assert (seats_left(shop, yoga), seats_left(shop, yoga, 10)) == (3, 1)
    assert at(9) in shop.starts()


def test_moving_to_a_full_session(shop: Shop, yoga: m.Offering) -> None:
    join(shop, yoga, 10, seats=2)
    pair = join(shop, yoga, seats=2)
    with refused(SlotUnavailable, reason="full"):
        move(shop, pair, at(10), shop.staff)
    assert get(shop, pair) == pair
    assert seats_left(shop, yoga) == 1


def test_rescheduling_to_the_same_time_keeps_the_seats(shop: Shop, yoga: m.Offering) -> None:
    pair = join(shop, yoga, seats=2)
    join(shop, yoga)
    assert move(shop, pair, at(9), shop.staff).version == 2
    assert seats_left(shop, yoga) is None


def test_a_hold_takes_seats_until_it_expires(adapter: Adapter, shop: Shop, yoga: m.Offering) -> None:
    held = hold(shop, at(9), offering_id=yoga.offering_id, seats=2)
    assert seats_left(shop, yoga) == 1
    let_expire(adapter, held)
    assert seats_left(shop, yoga) == 3
    assert join(shop, yoga, seats=3).seats == 3
    assert get(shop, held).status == "expired"


def test_session_of_expired_holds_frees_the_slot(adapter: Adapter, shop: Shop, yoga: m.Offering) -> None:
    held = [hold(shop, at(9), customer_of(shop.business_id), offering_id=yoga.offering_id) for _ in range(2)]
    for each in held:
        let_expire(adapter, each)
    assert at(9) in shop.starts()
    assert shop.book(at(9)).status == "booked"
    assert {get(shop, each).status for each in held} == {"expired"}


def test_a_held_seat_is_confirmed(shop: Shop, yoga: m.Offering) -> None:
    booked = confirm(shop, hold(shop, at(9), offering_id=yoga.offering_id, seats=2))
    assert (booked.status, booked.seats) == ("booked", 2)
    assert seats_left(shop, yoga) == 1


def test_a_smaller_capacity_keeps_existing_bookings(shop: Shop, yoga: m.Offering) -> None:
    booked = join(shop, yoga, seats=3)
    shop.change_offering(yoga, capacity=2)
    assert get(shop, booked) == booked
    assert seats_left(shop, yoga, 10) == 2


def test_all_bookings_of_a_session_share_its_room(shop: Shop) -> None:
    room = shop.add_resource()
    class_ = shop.add_offering("Class", duration_minutes=60, capacity=2, needs=(m.ResourceNeed(kind="room"),))
    taken = [join(shop, class_) for _ in range(2)]
    assert {each.resource_ids for each in taken} == {(room.resource_id,)}
    for each in taken:
        cancel(shop, each, shop.staff)
    assert join(shop, class_).resource_ids == (room.resource_id,)
