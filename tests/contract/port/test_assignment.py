"""Assignment of providers and resources to bookings."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest, SlotUnavailable
from tests.contract.port.appointments import cancel, get, move
from tests.contract.port.shop import Shop, at, customer_of, refused


def anybody(shop: Shop, hour: int = 9, *, day: int = 0, **fields: Any) -> m.Appointment:
    """Book as a new customer, without naming a provider."""
    return shop.book(at(hour, day=day), customer_of(shop.business_id), provider_id=None, **fields)


def team(shop: Shop, *weights: int) -> list[m.Provider]:
    """Return the provider and one more for each weight, sorted by id."""
    more = [shop.add_provider(f"Provider {n}", weight=weight) for n, weight in enumerate(weights)]
    return sorted([shop.provider, *more], key=lambda each: each.provider_id)


def ids(providers: list[m.Provider]) -> list[UUID]:
    return [each.provider_id for each in providers]


def test_slot_is_bookable_once_per_free_provider(shop: Shop) -> None:
    several = team(shop, 1, 1)
    assert sorted(anybody(shop).provider_id for _ in range(3)) == ids(several)
    assert at(9) not in shop.starts()
    with refused(SlotUnavailable, reason="taken"):
        anybody(shop)


def test_round_robin_chooses_the_least_recently_assigned_provider(shop: Shop) -> None:
    several = team(shop, 1, 1)
    given = [anybody(shop, hour).provider_id for hour in (9, 10, 11, 12, 13, 14)]
    assert given == ids(several) * 2


def test_busy_provider_keeps_its_turn(shop: Shop) -> None:
    first, second = team(shop, 1)
    shop.book(at(9), provider_id=first.provider_id)
    given = [anybody(shop, hour).provider_id for hour in (9, 10, 11)]
    assert given == [second.provider_id, first.provider_id, second.provider_id]


def test_weighted_assignment_is_proportional(shop: Shop) -> None:
    shop.change_offering(assignment="weighted")
    several = team(shop, 3)
    given = Counter(anybody(shop, 9 + n % 8, day=n // 8).provider_id for n in range(16))
    heavy = next(each for each in several if each.weight == 3)
    assert given == {heavy.provider_id: 12, shop.provider.provider_id: 4}


def test_new_provider_does_not_catch_up(shop: Shop) -> None:
    shop.change_offering(assignment="weighted")
    for hour in (9, 10, 11, 12):
        anybody(shop, hour)
    zoe = shop.add_provider()
    given = Counter(anybody(shop, hour, day=1).provider_id for hour in (9, 10, 11, 12))
    assert given == {zoe.provider_id: 2, shop.provider.provider_id: 2}


def test_most_free_considers_the_day_of_the_booking(shop: Shop) -> None:
    shop.change_offering(assignment="most_free")
    first, second = team(shop, 1)
    shop.book(at(9), provider_id=first.provider_id)
    shop.book(at(10), provider_id=first.provider_id)
    shop.book(at(9, day=1), provider_id=second.provider_id)
    assert anybody(shop, 12).provider_id == second.provider_id
    assert anybody(shop, 13).provider_id == second.provider_id
    assert anybody(shop, 12, day=1).provider_id == first.provider_id


@pytest.mark.parametrize("assignment", ["round_robin", "weighted", "most_free"])
def test_only_free_provider_is_chosen_by_every_assignment(shop: Shop, assignment: str) -> None:
    shop.change_offering(assignment=assignment)
    several = team(shop, 1, 1)
    for hour in (9, 10, 11):
        assert sorted(anybody(shop, hour).provider_id for _ in range(3)) == ids(several)


def test_named_provider_overrides_the_rotation(shop: Shop) -> None:
    first, second = team(shop, 1)
    assert shop.book(at(9), provider_id=second.provider_id).provider_id == second.provider_id
    assert anybody(shop, 10).provider_id == first.provider_id


def test_open_session_is_filled_first(shop: Shop) -> None:
    team(shop, 1)
    shop.change_offering(capacity=2)
    given = [anybody(shop).provider_id for _ in range(4)]
    assert given[0] == given[1] != given[2] == given[3]
    with refused(SlotUnavailable, reason="full"):
        anybody(shop)


def test_collective_booking_takes_every_provider(shop: Shop) -> None:
    shop.change_offering(assignment="collective")
    several = team(shop, 1)
    booked = anybody(shop)
    assert booked.provider_ids == tuple(ids(several))
    assert booked.provider_id == ids(several)[0]
    assert get(shop, booked) == booked
    solo = shop.add_offering("Solo", duration_minutes=60)
    shop.perform(solo, provider=several[0])
    shop.perform(solo, provider=several[1])
    for each in several:
        with refused(SlotUnavailable, reason="taken"):
            shop.book(at(9), offering_id=solo.offering_id, provider_id=each.provider_id)


def test_collective_booking_needs_every_provider(shop: Shop) -> None:
    several = team(shop, 1)
    shop.book(at(9), provider_id=several[1].provider_id)
    shop.change_offering(assignment="collective")
    assert at(9) not in shop.starts()
    with refused(SlotUnavailable, reason="taken"):
        anybody(shop)
    moved = move(shop, anybody(shop, 10), at(11), shop.staff)
    assert moved.provider_ids == tuple(ids(several))
    cancel(shop, moved, shop.staff)
    assert anybody(shop, 11).provider_ids == tuple(ids(several))


def test_collective_booking_counts_toward_each_limit(shop: Shop) -> None:
    several = team(shop, 1)
    shop.change_offering(assignment="collective", limits=m.Limits(provider_day=1))
    first = anybody(shop, 9)
    assert first.provider_id == ids(several)[0]
    with refused(SlotUnavailable, reason="provider_limit"):
        anybody(shop, 11)
    # One provider leaves; the joint appointment still counts for the others.
    shop.assign(provider=several[0])
    with refused(SlotUnavailable, reason="provider_limit"):
        anybody(shop, 11)


def facial(shop: Shop, *kinds: str, quantity: int = 1) -> m.Offering:
    """Add an offering that needs this many resources of each kind, for the same providers."""
    needs = tuple(m.ResourceNeed(kind=kind, quantity=quantity) for kind in kinds)
    return shop.add_offering("Facial", duration_minutes=60, needs=needs)


def test_booking_takes_a_room_and_a_device(shop: Shop) -> None:
    room, laser = shop.add_resource(), shop.add_resource("Laser", kind="device")
    offering = facial(shop, "room", "device")
    booked = shop.book(at(9), offering_id=offering.offering_id)
    assert set(booked.resource_ids) == {room.resource_id, laser.resource_id}
    zoe = shop.add_provider()
    shop.perform(offering, provider=zoe)
    with refused(SlotUnavailable, reason="no_resource"):
        shop.book(at(9), offering_id=offering.offering_id, provider_id=zoe.provider_id)
    cancel(shop, booked)
    assert shop.book(at(9), offering_id=offering.offering_id, provider_id=zoe.provider_id).status == "booked"


def test_booking_takes_two_resources_of_a_kind(shop: Shop) -> None:
    several = [shop.add_resource(f"Chair {n}", kind="chair") for n in range(3)]
    offering = facial(shop, "chair", quantity=2)
    booked = shop.book(at(9), offering_id=offering.offering_id)
    assert set(booked.resource_ids) < {each.resource_id for each in several}
    assert len(booked.resource_ids) == 2


def test_rescheduling_keeps_its_room_or_takes_another(shop: Shop) -> None:
    rooms = [shop.add_resource(f"Room {n}") for n in range(2)]
    offering = facial(shop, "room")
    booked = shop.book(at(9), offering_id=offering.offering_id)
    assert move(shop, booked, at(10)).resource_ids == booked.resource_ids
    assert booked.resource_ids[0] in {each.resource_id for each in rooms}
    assert at(9) in shop.starts(offering_id=offering.offering_id)


def test_booking_with_one_of_several_durations(shop: Shop) -> None:
    massage = shop.add_offering("Massage", duration_minutes=60, duration_choices_minutes=(30, 90), step_minutes=30)
    booked = shop.book(at(9), offering_id=massage.offering_id, duration_minutes=90)
    assert booked.ends_at == at(10, 30)
    assert move(shop, booked, at(11)).ends_at == at(12, 30), "a move keeps the duration"
    assert shop.book(at(9), offering_id=massage.offering_id).ends_at == at(10)
    with refused(InvalidRequest, field="duration_minutes"):
        shop.book(at(14), offering_id=massage.offering_id, duration_minutes=45)
