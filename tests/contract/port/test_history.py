"""The history of an appointment: actor, operation, and state after each change."""

from datetime import UTC, datetime
from itertools import pairwise
from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import AppointmentNotFound
from tests.contract.port.adapters import Adapter
from tests.contract.port.appointments import (
    approve,
    cancel,
    changes_of,
    complete,
    confirm,
    decline,
    get,
    hold,
    let_begin,
    let_expire,
    mark_no_show,
    move,
)
from tests.contract.port.shop import Shop, at, refused


def require_whole(shop: Shop, appointment: m.Appointment) -> list[str]:
    """Check that versions are complete and chained, and that the last is current. Return the operations."""
    changes = changes_of(shop, appointment)
    assert [each.version for each in changes] == list(range(1, len(changes) + 1))
    assert [each.after.version for each in changes] == [each.version for each in changes]
    assert changes[0].before is None
    for earlier, later in pairwise(changes):
        assert later.before == earlier.after
        assert later.at >= earlier.at
    assert changes[-1].after == get(shop, appointment)
    return [each.operation for each in changes]


def test_every_change_is_recorded(shop: Shop) -> None:
    before = datetime.now(UTC)
    booked = shop.book(at(9), note="Window seat")
    moved = move(shop, booked, at(10), shop.staff)
    cancelled = cancel(shop, moved, reason="Ill")
    changes = changes_of(shop, booked)
    assert [each.after for each in changes] == [booked, moved, cancelled]
    assert [each.before for each in changes] == [None, booked, moved]
    customer, staff = f"customer:{shop.customer.id}", f"staff:{shop.staff.id}"
    assert [each.actor for each in changes] == [customer, staff, customer]
    assert [each.overridden for each in changes] == [(), (), ()]
    assert all(before <= each.at <= datetime.now(UTC) for each in changes)
    assert require_whole(shop, booked) == ["book", "reschedule", "cancel"]


def test_history_of_a_checkout(adapter: Adapter, shop: Shop) -> None:
    shop.change_offering(requires_approval=True)
    held = hold(shop, at(9))
    confirm(shop, held, note="Hello")
    approve(shop, held)
    let_begin(adapter, held)
    complete(shop, held)
    assert [each.after.status for each in changes_of(shop, held)] == ["held", "pending", "booked", "completed"]
    operations = [each.operation for each in changes_of(shop, held)]
    assert operations == ["hold", "confirm", "approve", "complete"]


def test_history_of_other_final_states(adapter: Adapter, shop: Shop) -> None:
    shop.change_offering(requires_approval=True)
    declined, missed = shop.book(at(9)), shop.book(at(10))
    decline(shop, declined)
    assert require_whole(shop, declined) == ["book", "decline"]
    approve(shop, missed)
    let_begin(adapter, missed)
    mark_no_show(shop, missed)
    assert [each.operation for each in changes_of(shop, missed)] == ["book", "approve", "mark_no_show"]


def test_expired_hold_is_recorded(adapter: Adapter, shop: Shop) -> None:
    held = hold(shop, at(9))
    let_expire(adapter, held)
    shop.book(at(9), shop.stranger)
    *_, last = changes_of(shop, held)
    assert (last.version, last.after.status) == (2, "expired")
    assert last.actor == "system"
    assert last.after == get(shop, held)


def test_refused_call_leaves_no_history(shop: Shop) -> None:
    booked = shop.book(at(9))
    with refused(AppointmentNotFound):
        cancel(shop, booked, shop.stranger)
    assert require_whole(shop, booked) == ["book"]


def test_repeated_call_leaves_no_history(shop: Shop) -> None:
    booked = shop.book(at(9))
    request = m.Cancel(appointment_id=booked.appointment_id)
    for _ in range(3):
        shop.port.cancel(shop.customer.writes("one"), request)
    assert require_whole(shop, booked) == ["book", "cancel"]


def test_customers_see_only_their_own_history(shop: Shop) -> None:
    booked = shop.book(at(9))
    assert changes_of(shop, booked, shop.customer) == changes_of(shop, booked, shop.staff)
    with refused(AppointmentNotFound):
        changes_of(shop, booked, shop.stranger)
    with refused(AppointmentNotFound):
        shop.port.get_history(shop.staff.reads(), m.GetHistory(appointment_id=uuid4()))


@pytest.mark.parametrize("name", ["Renamed", "Cut & shave"])
def test_the_history_keeps_the_names_at_the_time_of_the_change(shop: Shop, name: str) -> None:
    booked = shop.book(at(9))
    shop.change_offering(name=name)
    move(shop, booked, at(10))
    first, second = changes_of(shop, booked)
    assert (first.after.offering_name, second.after.offering_name) == ("Cut", name)
