"""Slot search."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest, OfferingNotFound, ProviderNotFound
from tests.contract.port.samples import spoilt
from tests.contract.port.shop import MONDAY, Shop, at, hours, refused

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def clock(starts: list[datetime]) -> str:
    return " ".join(f"{each:%H:%M}" for each in starts)


def set_step(shop: Shop, duration: int, step: int) -> None:
    request = m.UpdateOffering(
        offering_id=shop.offering.offering_id, name="Cut", duration_minutes=duration, step_minutes=step
    )
    shop.port.update_offering(shop.staff.writes(), request)


def test_slots_fill_the_working_hours(shop: Shop) -> None:
    found = shop.search()
    assert clock([slot.starts_at for slot in found.slots]) == "09:00 10:00 11:00 12:00 13:00 14:00 15:00 16:00"
    assert all(slot.ends_at - slot.starts_at == HOUR for slot in found.slots)
    assert {slot.provider_id for slot in found.slots} == {shop.provider.provider_id}
    assert {slot.starts_at.tzinfo for slot in found.slots} == {UTC}


def test_the_reply_has_the_business_s_time_zone(shop: Shop) -> None:
    assert shop.search().zone == "Europe/Paris"


def test_days_off_have_no_slots(shop: Shop) -> None:
    assert shop.starts(at(0, day=5), at(0, day=7)) == []


def test_starts_are_one_step_apart_and_the_last_one_fits(shop: Shop) -> None:
    set_step(shop, duration=45, step=20)
    shop.work(hours("09:00", "10:30", 1))
    assert clock(shop.starts()) == "09:00 09:20 09:40"


def test_an_appointment_lies_within_one_range(shop: Shop) -> None:
    """Adjacent ranges remain separate, each with its own grid."""
    shop.work([*hours("09:00", "10:30", 1), *hours("10:30", "12:00", 1), *hours("14:15", "15:15", 1)])
    assert clock(shop.starts()) == "09:00 10:30 14:15"


def test_the_window_is_half_open(shop: Shop) -> None:
    assert clock(shop.starts(at(9), at(11))) == "09:00 10:00"
    assert clock(shop.starts(at(9) + SECOND, at(11) + SECOND)) == "10:00 11:00"
    fraction = timedelta(microseconds=1)
    assert clock(shop.starts(at(9) + fraction, at(11) + fraction)) == "10:00 11:00"
    assert shop.starts(at(9) + fraction, at(10)) == []


def test_a_window_may_have_any_offset(shop: Shop) -> None:
    from_india = datetime.fromisoformat("2040-06-04T14:30:00+05:30")
    assert clock(shop.starts(from_india, from_india + HOUR)) == "09:00"


def test_occupied_and_overlapping_starts_are_not_listed(shop: Shop) -> None:
    set_step(shop, duration=60, step=30)
    shop.book(at(11))
    assert clock(shop.starts(at(9), at(14))) == "09:00 09:30 10:00 12:00 12:30 13:00 13:30"


def test_occupied_time_next_to_the_window_counts(shop: Shop) -> None:
    """An appointment outside the window still blocks overlapping starts inside it."""
    set_step(shop, duration=60, step=15)
    shop.book(at(12))
    assert clock(shop.starts(at(11), at(12))) == "11:00"
    assert clock(shop.starts(at(12, 30), at(13, 15))) == "13:00"


def test_cancelling_frees_the_time(shop: Shop) -> None:
    booked = shop.book(at(9))
    assert at(9) not in shop.starts()
    shop.port.cancel(shop.customer.writes(), m.Cancel(appointment_id=booked.appointment_id))
    assert at(9) in shop.starts()


def test_a_provider_busy_through_one_offering_is_busy_for_all(shop: Shop) -> None:
    colour = shop.add_offering("Colour", duration_minutes=30)
    shop.book(at(9), offering_id=colour.offering_id)
    assert clock(shop.starts(at(9), at(11))) == "10:00"


def test_past_starts_are_not_listed(shop: Shop) -> None:
    set_step(shop, duration=5, step=1)
    shop.work(hours("00:00", "24:00"))
    before = datetime.now(UTC)
    found = shop.starts(before - HOUR, before + HOUR)
    assert before < found[0] <= before + timedelta(minutes=2)
    assert shop.starts(before - 2 * HOUR, before - HOUR) == []


def test_every_provider_is_listed_by_start_then_id(shop: Shop) -> None:
    zoe = shop.add_provider()
    shop.book(at(9), provider_id=zoe.provider_id)
    slots = shop.search(at(9), at(11)).slots
    assert [(slot.starts_at, slot.provider_id) for slot in slots] == [
        (at(9), shop.provider.provider_id),
        *[(at(10), each) for each in sorted((shop.provider.provider_id, zoe.provider_id))],
    ]


def test_a_search_may_name_one_provider(shop: Shop) -> None:
    zoe = shop.add_provider()
    slots = shop.search(provider_id=zoe.provider_id).slots
    assert {slot.provider_id for slot in slots} == {zoe.provider_id}


def test_provider_without_the_offering_has_no_slots(shop: Shop) -> None:
    shop.add_offering("Colour", assign=False)
    shop.assign()
    assert shop.starts() == []
    assert shop.starts(provider_id=shop.provider.provider_id) == []


def test_an_inactive_provider_has_no_slots(shop: Shop) -> None:
    request = m.UpdateProvider(provider_id=shop.provider.provider_id, name="Ada", zone="UTC", active=False)
    shop.port.update_provider(shop.staff.writes(), request)
    assert shop.starts() == []
    assert shop.starts(provider_id=shop.provider.provider_id) == []


def test_an_inactive_offering_has_no_slots(shop: Shop) -> None:
    request = m.UpdateOffering(offering_id=shop.offering.offering_id, name="Cut", duration_minutes=60, active=False)
    shop.port.update_offering(shop.staff.writes(), request)
    assert shop.starts() == []


def test_a_change_of_the_rules_shows_at_once(shop: Shop) -> None:
    assert clock(shop.starts(at(9), at(11))) == "09:00 10:00"
    shop.work(hours("10:00", "11:00", 1))
    assert clock(shop.starts(at(9), at(11))) == "10:00"


def test_search_with_unknown_ids_is_not_found(shop: Shop) -> None:
    with refused(OfferingNotFound):
        shop.search(offering_id=uuid4())
    with refused(ProviderNotFound):
        shop.search(provider_id=uuid4())


def test_a_window_has_at_most_62_days(shop: Shop) -> None:
    days = timedelta(days=62)
    assert len({start.date() for start in shop.starts(MONDAY, MONDAY + days)}) == 45
    window = m.SearchSlots(offering_id=shop.offering.offering_id, start=MONDAY, end=MONDAY + days)
    with refused(InvalidRequest, field="end"):
        shop.port.search_slots(shop.anonymous.reads(), spoilt(window, end=MONDAY + days + SECOND))


@pytest.mark.parametrize(
    ("day", "lasts"), [("2040-03-24", 24), ("2040-03-25", 23), ("2040-10-28", 25), ("2040-10-29", 24)]
)
def test_a_day_has_its_length_in_the_zone(shop: Shop, day: str, lasts: int) -> None:
    """In Paris the clocks go forward on 25 March 2040 and back on 28 October."""
    marie = shop.add_provider("Marie", zone="Europe/Paris")
    shop.work(hours("00:00", "24:00"), provider=marie)
    noon = datetime.fromisoformat(f"{day}T11:00:00Z")
    slots = shop.search(noon - 36 * HOUR, noon + 36 * HOUR, provider_id=marie.provider_id).slots
    local = [slot.starts_at.astimezone(ZoneInfo("Europe/Paris")) for slot in slots]
    assert len([each for each in local if each.date().isoformat() == day]) == lasts


def test_hours_are_in_the_provider_s_time_zone(shop: Shop) -> None:
    marie = shop.add_provider("Marie", zone="America/New_York")
    assert clock(shop.starts(provider_id=marie.provider_id))[:5] == "13:00"
