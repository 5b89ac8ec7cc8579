"""Every rule of an offering limits the listed slots, and booking refuses exactly the others."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from contracts.scheduling import models as m
from contracts.scheduling.errors import Forbidden, InvalidRequest, SlotUnavailable
from tests.contract.port.shop import MONDAY, Shop, at, customer_of, hours, refused

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
PARIS = ZoneInfo("Europe/Paris")
"""Where the business is."""


def clock(starts: list[datetime]) -> str:
    return " ".join(f"{each:%H:%M}" for each in starts)


def times(start: datetime, end: datetime, step: int) -> Iterator[datetime]:
    while start < end:
        yield start
        start += step * MINUTE


def refusals(shop: Shop, start: datetime, end: datetime, step: int = 30) -> dict[str, str]:
    """Return the refusal reason of each unlisted start; also book and cancel the last listed one."""
    listed, reasons = shop.starts(start, end), {}
    for moment in times(start, end, step):
        if moment not in listed:
            with pytest.raises(SlotUnavailable) as caught:
                shop.book(moment)
            reasons[f"{moment:%H:%M}"] = caught.value.reason
    if listed:
        booked = shop.book(listed[-1])
        shop.port.cancel(shop.staff.writes(), m.Cancel(appointment_id=booked.appointment_id))
    return reasons


def test_buffers_do_not_overlap_occupied_time_or_its_buffers(shop: Shop) -> None:
    shop.change_offering(step_minutes=30, buffer_before_minutes=15, buffer_after_minutes=15)
    shop.book(at(12))
    assert clock(shop.starts(at(10), at(14, 30))) == "10:00 10:30 13:30 14:00"
    assert refusals(shop, at(10), at(14)) == dict.fromkeys(("11:00", "11:30", "12:00", "12:30", "13:00"), "taken")


def test_buffers_may_lie_outside_hours(shop: Shop) -> None:
    shop.change_offering(buffer_before_minutes=60, buffer_after_minutes=60)
    assert clock(shop.starts()) == "09:00 10:00 11:00 12:00 13:00 14:00 15:00 16:00"


def test_buffers_of_another_service_count(shop: Shop) -> None:
    tidied = shop.add_offering("Dye", duration_minutes=60, buffer_after_minutes=30)
    shop.book(at(9), offering_id=tidied.offering_id)
    assert clock(shop.starts(at(9), at(12))) == "11:00"


def test_the_first_slot_starts_an_offset_after_the_opening(shop: Shop) -> None:
    shop.change_offering(step_minutes=60, offset_minutes=20)
    assert clock(shop.starts(at(9), at(12))) == "09:20 10:20 11:20"
    assert refusals(shop, at(9), at(9, 40), step=20) == {"09:00": "off_grid"}


def test_one_of_several_durations_may_be_chosen(shop: Shop) -> None:
    shop.change_offering(step_minutes=60, duration_choices_minutes=(90, 180))
    shop.work(hours("09:00", "12:00", 1))
    assert clock(shop.starts(duration_minutes=180)) == "09:00"
    assert clock(shop.starts(duration_minutes=90)) == "09:00 10:00"
    assert clock(shop.starts(duration_minutes=60)) == clock(shop.starts()) == "09:00 10:00 11:00"
    booked = shop.book(at(10), duration_minutes=90)
    assert booked.ends_at == at(11, 30)
    with refused(InvalidRequest, field="duration_minutes"):
        shop.search(duration_minutes=45)


def test_notice_is_counted_from_now(shop: Shop) -> None:
    shop.change_offering(duration_minutes=5, step_minutes=1, min_notice_minutes=90)
    shop.work(hours("00:00", "24:00"))
    now = datetime.now(UTC)
    first = shop.starts(now, now + timedelta(hours=3))[0]
    # An appointment ends on the day on which it starts, so the last five minutes of a day have no start.
    assert now + 90 * MINUTE <= first <= now + 97 * MINUTE
    soon = (now + 30 * MINUTE).replace(second=0, microsecond=0)
    with refused(SlotUnavailable, reason="too_soon"):
        shop.book(soon)


def test_a_rolling_window_ends_with_a_day_of_the_business(shop: Shop) -> None:
    shop.change_offering(window=m.BookingWindow(kind="rolling_days", days=3))
    shop.work(hours("00:00", "24:00"))
    before = datetime.now(PARIS)
    last = shop.starts(before, before + 10 * DAY)[-1].astimezone(PARIS).date()
    after = datetime.now(PARIS)
    assert before.date() + 3 * DAY <= last <= after.date() + 3 * DAY
    with refused(SlotUnavailable, reason="too_late"):
        shop.book((after + 6 * DAY).replace(minute=0, second=0, microsecond=0))


def test_a_fixed_window_includes_both_of_its_dates(shop: Shop) -> None:
    tuesday = (MONDAY + DAY).date()
    shop.change_offering(window=m.BookingWindow(kind="fixed", first=tuesday, last=tuesday + DAY))
    assert {start.date() for start in shop.starts(MONDAY, MONDAY + 7 * DAY)} == {tuesday, tuesday + DAY}
    with refused(SlotUnavailable, reason="too_soon"):
        shop.book(at(9))
    with refused(SlotUnavailable, reason="too_late"):
        shop.book(at(9, day=3))


def test_a_provider_s_limit_of_a_day_and_of_a_week(shop: Shop) -> None:
    shop.change_offering(limits=m.Limits(provider_day=2, provider_week=3))
    for moment in (at(9), at(11), at(9, day=1)):
        shop.book(moment)
    assert shop.starts(MONDAY, MONDAY + 7 * DAY) == []
    assert len(shop.starts(MONDAY + 7 * DAY, MONDAY + 8 * DAY)) == 8
    with refused(SlotUnavailable, reason="provider_limit"):
        shop.book(at(15, day=1))


def test_a_customer_s_limit_does_not_affect_others(shop: Shop) -> None:
    shop.change_offering(limits=m.Limits(customer_day=1))
    shop.book(at(9))
    window = m.SearchSlots(offering_id=shop.offering.offering_id, start=MONDAY, end=MONDAY + DAY)
    assert shop.port.search_slots(shop.customer.reads(), window).slots == ()
    assert len(shop.port.search_slots(shop.stranger.reads(), window).slots) == 7
    assert len(shop.starts()) == 7
    with refused(SlotUnavailable, reason="customer_limit"):
        shop.book(at(11))
    shop.book(at(11), by=shop.stranger)


def test_staff_search_on_behalf_of_a_customer(shop: Shop) -> None:
    shop.change_offering(limits=m.Limits(customer_week=1))
    shop.book(at(9))
    anybody = m.SearchSlots(offering_id=shop.offering.offering_id, start=MONDAY, end=MONDAY + DAY)
    of_customer = structs.replace(anybody, customer_id=shop.customer.id)
    assert shop.port.search_slots(shop.staff.reads(), of_customer).slots == ()
    assert len(shop.port.search_slots(shop.staff.reads(), anybody).slots) == 7
    for nosy in (shop.stranger, shop.anonymous):
        with refused(Forbidden):
            shop.port.search_slots(nosy.reads(), of_customer)


def test_a_needed_resource_must_be_free(shop: Shop) -> None:
    shop.change_offering(needs=(m.ResourceNeed(kind="room"),))
    assert shop.starts() == []
    room = shop.add_resource()
    shop.block(at(9), at(11), resource_id=room.resource_id)
    assert clock(shop.starts(at(9), at(13))) == "11:00 12:00"
    assert refusals(shop, at(9), at(12), step=60) == {"09:00": "no_resource", "10:00": "no_resource"}


def test_a_room_taken_through_one_provider_is_taken_for_all(shop: Shop) -> None:
    shop.change_offering(needs=(m.ResourceNeed(kind="room"),))
    shop.add_resource()
    zoe = shop.add_provider()
    shop.book(at(9), provider_id=zoe.provider_id)
    assert clock(shop.starts(at(9), at(11), provider_id=shop.provider.provider_id)) == "10:00"


def test_collective_slot_needs_every_provider(shop: Shop) -> None:
    zoe = shop.add_provider()
    shop.work(hours("11:00", "15:00", 1), provider=zoe)
    alone = shop.add_offering("Alone", duration_minutes=60)
    shop.change_offering(assignment="collective")
    shop.book(at(12), offering_id=alone.offering_id)
    assert clock(shop.starts()) == "11:00 13:00 14:00"
    slots = shop.search().slots
    assert {slot.provider_id for slot in slots} == {min(shop.provider.provider_id, zoe.provider_id)}


def test_seats_that_are_left_are_listed(shop: Shop) -> None:
    shop.change_offering(capacity=3)
    shop.book(at(9), seats=2)
    left = {slot.starts_at: slot.seats_left for slot in shop.search(at(9), at(11)).slots}
    assert left == {at(9): 1, at(10): 3}
    assert clock(shop.starts(at(9), at(11), seats=2)) == "10:00"
    with refused(SlotUnavailable, reason="full"):
        shop.book(at(9), by=customer_of(shop.business_id), seats=2)
    with refused(InvalidRequest, field="seats"):
        shop.search(seats=4)
