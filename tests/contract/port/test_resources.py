"""Resources: rooms and devices that a booking needs in addition to a provider."""

from typing import Any
from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest, ResourceNotFound, SlotUnavailable
from tests.contract.port.samples import spoilt
from tests.contract.port.shop import Shop, at, refused

A_ROOM = m.ResourceNeed(kind="room")


def resources(shop: Shop) -> tuple[m.Resource, ...]:
    return shop.port.list_resources(shop.staff.reads(), m.ListResources()).resources


def test_a_resource_has_the_requested_and_the_changed_values(shop: Shop) -> None:
    room = shop.add_resource("Blue room")
    assert room == m.Resource(resource_id=room.resource_id, name="Blue room", kind="room", active=True)
    assert resources(shop) == (room,)
    changed = shop.change_resource(room, name="Red room", kind="red-room", active=False)
    assert changed == m.Resource(resource_id=room.resource_id, name="Red room", kind="red-room", active=False)
    assert resources(shop) == (changed,)


def test_resources_are_listed_by_kind_name_and_id(shop: Shop) -> None:
    for name, kind in (("B", "room"), ("A", "room"), ("Z", "laser"), ("A", "room")):
        shop.add_resource(name, kind=kind)
    listed = resources(shop)
    assert [(each.kind, each.name) for each in listed] == [("laser", "Z"), ("room", "A"), ("room", "A"), ("room", "B")]
    assert list(listed) == sorted(listed, key=lambda each: (each.kind, each.name, each.resource_id))


def test_change_of_an_unknown_resource_is_not_found(shop: Shop) -> None:
    with refused(ResourceNotFound):
        shop.change_resource(m.Resource(resource_id=uuid4(), name="Room", kind="room", active=True))


@pytest.mark.parametrize("fields", [{"kind": "Room"}, {"kind": ""}, {"kind": "k" * 41}, {"name": ""}, {"name": "a\nb"}])
def test_invalid_resource_is_refused(shop: Shop, fields: dict[str, Any]) -> None:
    with refused(InvalidRequest, field=next(iter(fields))):
        shop.port.create_resource(shop.staff.writes(), spoilt(m.CreateResource(name="Room", kind="room"), **fields))
    assert resources(shop) == ()


def test_slots_are_offered_while_a_room_is_free(shop: Shop) -> None:
    shop.change_offering(needs=(A_ROOM,))
    assert shop.starts() == []
    room = shop.add_resource()
    assert shop.starts() == [at(hour) for hour in range(9, 17)]
    shop.change_resource(room, active=False)
    assert shop.starts() == []
    with refused(SlotUnavailable, reason="no_resource"):
        shop.book(at(9))


def test_an_offering_needs_its_number_of_resources_of_each_kind(shop: Shop) -> None:
    shop.change_offering(needs=(m.ResourceNeed(kind="room", quantity=2), m.ResourceNeed(kind="laser")))
    shop.add_resource("Room 1")
    shop.add_resource("Laser", kind="laser")
    assert shop.starts() == []
    shop.add_resource("Room 2")
    assert shop.starts() == [at(hour) for hour in range(9, 17)]


def test_a_booking_takes_the_room_from_other_providers_and_services(shop: Shop) -> None:
    zoe = shop.add_provider()
    shop.change_offering(needs=(A_ROOM,))
    room = shop.add_resource()
    booked = shop.book(at(9))
    assert booked.resource_ids == (room.resource_id,)
    assert shop.starts(provider_id=zoe.provider_id) == [at(hour) for hour in range(10, 17)]
    with refused(SlotUnavailable, reason="no_resource"):
        shop.book(at(9), shop.stranger, provider_id=zoe.provider_id)
    second = shop.add_resource("Room 2")
    assert shop.book(at(9), shop.stranger, provider_id=zoe.provider_id).resource_ids == (second.resource_id,)


def test_blocked_room_is_not_assigned(shop: Shop) -> None:
    shop.change_offering(needs=(A_ROOM,))
    first, second = shop.add_resource("Room 1"), shop.add_resource("Room 2")
    shop.block(at(9), at(11), resource_id=first.resource_id)
    assert shop.book(at(9)).resource_ids == (second.resource_id,)
    shop.block(at(10), at(12), resource_id=second.resource_id)
    assert shop.starts() == [at(hour) for hour in range(11, 17)]


def test_inactive_room_stays_with_its_appointments(shop: Shop) -> None:
    shop.change_offering(needs=(A_ROOM,))
    room = shop.add_resource()
    booked = shop.book(at(9))
    shop.change_resource(room, active=False)
    found = shop.port.get_appointment(shop.customer.reads(), m.GetAppointment(appointment_id=booked.appointment_id))
    assert found.resource_ids == (room.resource_id,)
