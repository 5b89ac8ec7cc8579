"""The waitlist: a freed slot is offered to the longest waiting entry, once and for a limited time."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    Forbidden,
    HoldExpired,
    InvalidRequest,
    InvalidTransition,
    OfferingNotFound,
    ProviderNotFound,
    WaitlistEntryNotFound,
)
from tests.contract.port.adapters import Adapter
from tests.contract.port.appointments import cancel, changes_of, confirm, decline, get, hold, let_expire, move
from tests.contract.port.shop import Caller, Shop, at, customer_of, hours, refused


def join(shop: Shop, by: Caller | None = None, **fields: Any) -> m.WaitlistEntry:
    """Join the waitlist, by default for the shop's offering on Monday from nine to ten."""
    by = by or shop.stranger
    wish = {
        "offering_id": shop.offering.offering_id,
        "customer_id": by.id,
        "start": at(9),
        "end": at(10),
        **fields,
    }
    return shop.port.join_waitlist(by.writes(), m.JoinWaitlist(**wish))


def leave(shop: Shop, entry: m.WaitlistEntry, by: Caller | None = None) -> m.WaitlistEntry:
    return shop.port.leave_waitlist((by or shop.staff).writes(), m.LeaveWaitlist(entry_id=entry.entry_id))


def waiting(shop: Shop, by: Caller | None = None, **fields: Any) -> list[m.WaitlistEntry]:
    return list(shop.port.list_waitlist((by or shop.staff).reads(), m.ListWaitlist(**fields)).entries)


def now(shop: Shop, entry: m.WaitlistEntry) -> m.WaitlistEntry:
    return next(each for each in waiting(shop, limit=200) if each.entry_id == entry.entry_id)


def offer_of(shop: Shop, entry: m.WaitlistEntry) -> m.Appointment:
    appointment_id = now(shop, entry).appointment_id
    assert appointment_id is not None
    return shop.port.get_appointment(shop.staff.reads(), m.GetAppointment(appointment_id=appointment_id))


def statuses(shop: Shop, *entries: m.WaitlistEntry) -> list[str]:
    return [now(shop, each).status for each in entries]


def settle(shop: Shop, limit: int = 200) -> m.Settled:
    return shop.port.settle(shop.system.writes(), m.Settle(limit=limit))


def test_occupied_slot_can_be_waited_for(shop: Shop) -> None:
    shop.book(at(9))
    entry = join(shop)
    assert (entry.status, entry.appointment_id, entry.customer_id) == ("waiting", None, shop.stranger.id)
    assert waiting(shop, shop.stranger) == [entry]
    assert waiting(shop, shop.customer) == []


def test_instants_leave_in_utc_whatever_offset_they_came_with(shop: Shop) -> None:
    shop.book(at(9))
    start = datetime.fromisoformat("2040-06-04T14:30:00.25+05:30")
    entry = join(shop, start=start, end=start + timedelta(minutes=30))
    assert entry.start == start
    for instant in (entry.start, entry.end, entry.joined_at, now(shop, entry).start):
        assert instant.tzinfo == UTC
    assert now(shop, entry) == entry


def test_free_slot_is_offered_immediately(shop: Shop) -> None:
    entry = join(shop, start=at(9, 30), end=at(12), offer_minutes=15)
    assert entry.status == "offered"
    held = offer_of(shop, entry)
    assert (held.status, held.starts_at, held.customer_id) == ("held", at(10), shop.stranger.id)
    assert held.hold_expires_at is not None
    left = held.hold_expires_at - datetime.now(UTC)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    assert at(10) not in shop.starts()
    [came] = changes_of(shop, held)
    assert (came.actor, came.operation) == ("system", "offer")


def test_cancelled_slot_goes_to_the_longest_waiting_entry(shop: Shop) -> None:
    booked = shop.book(at(9))
    entries = [join(shop, customer_of(shop.business_id)) for _ in range(3)]
    cancel(shop, booked)
    assert statuses(shop, *entries) == ["offered", "waiting", "waiting"]
    held = offer_of(shop, entries[0])
    assert (held.status, held.starts_at, held.customer_id) == ("held", at(9), entries[0].customer_id)
    assert at(9) not in shop.starts()


def test_a_confirmed_offer_is_a_booking(shop: Shop) -> None:
    booked = shop.book(at(9))
    entry = join(shop)
    cancel(shop, booked)
    confirmed = confirm(shop, offer_of(shop, entry), shop.stranger)
    assert (confirmed.status, confirmed.starts_at) == ("booked", at(9))
    assert statuses(shop, entry) == ["booked"]
    with refused(InvalidTransition):
        leave(shop, entry)


def test_cancelled_offer_goes_to_the_next_entry(shop: Shop) -> None:
    booked = shop.book(at(9))
    first, second = join(shop), join(shop, customer_of(shop.business_id))
    cancel(shop, booked)
    cancel(shop, offer_of(shop, first), shop.stranger)
    assert statuses(shop, first, second) == ["lapsed", "offered"]


def test_offer_of_a_leaving_customer_goes_to_the_next_entry(shop: Shop) -> None:
    booked = shop.book(at(9))
    first, second, third = (join(shop, customer_of(shop.business_id)) for _ in range(3))
    cancel(shop, booked)
    held = offer_of(shop, first)
    assert leave(shop, second).status == "left"
    assert leave(shop, first).status == "left"
    assert get(shop, held).status == "cancelled"
    assert statuses(shop, first, second, third) == ["left", "left", "offered"]
    for entry in (first, second):
        with refused(InvalidTransition):
            leave(shop, entry)


def test_expired_offer_goes_to_the_next_entry(shop: Shop, adapter: Adapter) -> None:
    booked = shop.book(at(9))
    first, second = join(shop), join(shop, customer_of(shop.business_id))
    cancel(shop, booked)
    held = offer_of(shop, first)
    let_expire(adapter, held)
    with refused(HoldExpired):
        confirm(shop, held, shop.stranger)
    assert settle(shop) == m.Settled(expired=1, offered=1)
    assert statuses(shop, first, second) == ["lapsed", "offered"]
    assert get(shop, held).status == "expired"


def test_rescheduling_declining_and_series_changes_free_slots_too(shop: Shop) -> None:
    moving = shop.book(at(9))
    entry = join(shop)
    moved = move(shop, moving, at(11))
    assert offer_of(shop, entry).starts_at == at(9)

    shop.change_offering(requires_approval=True)
    pending = shop.book(at(14))
    entry = join(shop, start=at(14), end=at(15))
    decline(shop, pending)
    assert offer_of(shop, entry).starts_at == at(14)
    assert moved.starts_at == at(11)


def test_abandoned_checkout_is_offered(shop: Shop) -> None:
    held = hold(shop, at(9))
    entry = join(shop)
    assert entry.status == "waiting"
    cancel(shop, held)
    assert statuses(shop, entry) == ["offered"]


def test_only_matching_entries_get_an_offer(shop: Shop) -> None:
    zoe = shop.add_provider("Zoe")
    nobody = shop.add_offering("Nobody's", assign=False)
    shop.work(hours("12:00", "13:00", 1), provider=zoe)
    booked = shop.book(at(9))
    shop.book(at(10))
    shop.book(at(12), provider_id=zoe.provider_id)
    later = join(shop, start=at(10), end=at(11))
    with_zoe = join(shop, provider_id=zoe.provider_id)
    another = join(shop, offering_id=nobody.offering_id)
    with_ada = join(shop, provider_id=shop.provider.provider_id)
    cancel(shop, booked)
    assert statuses(shop, later, with_zoe, another, with_ada) == ["waiting", "waiting", "waiting", "offered"]


def test_a_shorter_service_of_the_same_provider_fits_too(shop: Shop) -> None:
    beard = shop.add_offering("Beard", duration_minutes=30)
    booked = shop.book(at(9))
    entries = [join(shop, customer_of(shop.business_id), offering_id=beard.offering_id) for _ in range(3)]
    cancel(shop, booked)
    assert statuses(shop, *entries) == ["offered", "offered", "waiting"]
    assert [offer_of(shop, each).starts_at for each in entries[:2]] == [at(9), at(9, 30)]


def test_as_many_seats_as_are_waited_for(shop: Shop) -> None:
    yoga = shop.add_offering("Yoga", capacity=3, duration_minutes=60)
    booked = shop.book(at(9), offering_id=yoga.offering_id, seats=3)
    pair = join(shop, offering_id=yoga.offering_id, seats=2)
    another = join(shop, customer_of(shop.business_id), offering_id=yoga.offering_id, seats=2)
    single = join(shop, customer_of(shop.business_id), offering_id=yoga.offering_id)
    cancel(shop, booked)
    assert statuses(shop, pair, another, single) == ["offered", "waiting", "offered"]
    assert offer_of(shop, pair).seats == 2


def test_freed_room_triggers_an_offer(shop: Shop) -> None:
    shop.add_resource("Sauna", kind="sauna")
    sauna = shop.add_offering("Sauna", duration_minutes=60, needs=(m.ResourceNeed(kind="sauna"),))
    zoe = shop.add_provider("Zoe")
    shop.perform(sauna, provider=zoe)
    booked = shop.book(at(9), offering_id=sauna.offering_id, provider_id=zoe.provider_id)
    entry = join(shop, offering_id=sauna.offering_id, provider_id=shop.provider.provider_id)
    cancel(shop, booked)
    assert offer_of(shop, entry).provider_id == shop.provider.provider_id


def test_customer_at_the_limit_is_skipped(shop: Shop) -> None:
    shop.change_offering(limits=m.Limits(customer_day=1))
    booked = shop.book(at(9))
    shop.book(at(12), shop.stranger)
    limited, other = join(shop), join(shop, customer_of(shop.business_id))
    cancel(shop, booked)
    assert statuses(shop, limited, other) == ["waiting", "offered"]


def test_waiting_entry_precedes_a_new_one(shop: Shop) -> None:
    shop.override(at(0).date(), "close")
    first = join(shop)
    shop.override(at(0).date(), "regular")
    second = join(shop, customer_of(shop.business_id))
    assert second.status == "waiting"
    assert statuses(shop, first) == ["offered"]


def test_pages_come_by_when_they_joined(shop: Shop) -> None:
    beard = shop.add_offering("Beard")
    shop.book(at(9))
    entries = [join(shop, customer_of(shop.business_id)) for _ in range(5)]
    other = join(shop, customer_of(shop.business_id), offering_id=beard.offering_id)
    seen: list[m.WaitlistEntry] = []
    cursor: str | None = None
    for _ in range(3):
        page = shop.port.list_waitlist(shop.staff.reads(), m.ListWaitlist(limit=2, cursor=cursor))
        seen, cursor = [*seen, *page.entries], page.next_cursor
    assert seen == [*entries, other]
    assert cursor is None
    assert waiting(shop, offering_id=beard.offering_id) == [other]
    leave(shop, entries[0])
    assert [each.entry_id for each in waiting(shop, status="left")] == [entries[0].entry_id]
    with refused(InvalidRequest, field="cursor"):
        waiting(shop, cursor="nonsense")


def test_unknown_ids_are_not_found(shop: Shop) -> None:
    with refused(OfferingNotFound):
        join(shop, offering_id=uuid4())
    with refused(ProviderNotFound):
        join(shop, provider_id=uuid4())
    with refused(Forbidden):
        join(shop, customer_id=shop.customer.id)
    with refused(InvalidRequest, field="seats"):
        join(shop, seats=2)
    with refused(InvalidRequest, field="end"):
        past = datetime.now(UTC) - timedelta(hours=1)
        join(shop, start=past - timedelta(hours=1), end=past)
    with refused(WaitlistEntryNotFound):
        shop.port.leave_waitlist(shop.stranger.writes(), m.LeaveWaitlist(entry_id=uuid4()))
    shop.book(at(9))
    entry = join(shop)
    with refused(WaitlistEntryNotFound):
        leave(shop, entry, shop.customer)
    assert join(shop, shop.staff, customer_id=shop.customer.id).status == "waiting"


@pytest.mark.parametrize("repeat", ["join", "leave"])
def test_a_key_is_executed_once(shop: Shop, repeat: str) -> None:
    shop.book(at(9))
    wish = m.JoinWaitlist(offering_id=shop.offering.offering_id, customer_id=shop.stranger.id, start=at(9), end=at(10))
    entry = shop.port.join_waitlist(shop.stranger.writes("once"), wish)
    if repeat == "join":
        assert shop.port.join_waitlist(shop.stranger.writes("once"), wish) == entry
    else:
        request = m.LeaveWaitlist(entry_id=entry.entry_id)
        left = shop.port.leave_waitlist(shop.stranger.writes("twice"), request)
        assert shop.port.leave_waitlist(shop.stranger.writes("twice"), request) == left
    assert len(waiting(shop)) == 1
