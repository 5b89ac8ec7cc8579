"""Effect, event and key are stored together or not at all."""

from typing import Any

import psycopg
import pytest

from contracts.scheduling import events as e
from contracts.scheduling import models as m
from contracts.scheduling.errors import SchedulingError, SlotUnavailable
from tests.contract.port.shop import Shop, at, hours
from tests.integration.engine.workbench import Workbench


def events(bench: Workbench, shop: Shop) -> list[e.AnyEvent]:
    rows = bench.sql("SELECT payload FROM scheduling.outbox WHERE business_id = %s ORDER BY position", shop.business_id)
    return [e.decode_event(payload) for (payload,) in rows]


def keys(bench: Workbench, shop: Shop) -> set[Any]:
    return {
        key for (key,) in bench.sql("SELECT key FROM scheduling.idempotency WHERE business_id = %s", shop.business_id)
    }


def test_every_change_appends_an_event_with_the_appointment(bench: Workbench, shop: Shop) -> None:
    zoe = shop.add_provider()
    booked = shop.book(at(9), note="Window seat")
    moved = shop.port.reschedule(
        shop.customer.writes(),
        m.Reschedule(
            appointment_id=booked.appointment_id,
            starts_at=at(10),
            expected_version=1,
            provider_id=zoe.provider_id,
        ),
    )
    cancelled = shop.port.cancel(shop.customer.writes(), m.Cancel(appointment_id=booked.appointment_id, reason="Ill"))
    told = events(bench, shop)
    kinds = [e.AppointmentBooked, e.AppointmentRescheduled, e.AppointmentCancelled]
    assert [type(event) for event in told] == kinds
    assert [event.appointment for event in told] == [booked, moved, cancelled]
    assert [event.version for event in told] == [1, 2, 3]
    assert {(event.business_id, event.business_name, event.business_zone, event.epoch) for event in told} == {
        (shop.business_id, "Salon", "Europe/Paris", 1)
    }
    assert isinstance(told[1], e.AppointmentRescheduled)
    assert (told[1].previous_starts_at, told[1].previous_provider_id) == (at(9), shop.provider.provider_id)
    assert told[0].occurred_at == booked.booked_at
    assert told[2].occurred_at == cancelled.cancelled_at


def test_staff_decide_whether_the_customer_is_notified(bench: Workbench, shop: Shop) -> None:
    for caller in (shop.staff, shop.customer):
        booked = shop.book(at(9))
        changing = dict[str, Any](appointment_id=booked.appointment_id, notify=False)
        shop.port.reschedule(caller.writes(), m.Reschedule(**changing, starts_at=at(10), expected_version=1))
        shop.port.cancel(caller.writes(), m.Cancel(**changing))
    changed = (e.AppointmentRescheduled, e.AppointmentCancelled)
    assert [each.notify for each in events(bench, shop) if isinstance(each, changed)] == [False, False, True, True]


def test_catalog_changes_append_no_event(bench: Workbench, shop: Shop) -> None:
    shop.add_provider()
    shop.work(hours("10:00", "12:00"))
    assert events(bench, shop) == []


def test_effect_event_and_key_share_one_transaction(bench: Workbench, shop: Shop) -> None:
    shop.port.book(shop.customer.writes("one"), shop.booking())
    business_id = shop.business_id
    [(appointment,)] = bench.sql("SELECT xmin::text FROM scheduling.appointment WHERE business_id = %s", business_id)
    [(event,)] = bench.sql("SELECT xmin::text FROM scheduling.outbox WHERE business_id = %s", business_id)
    [(key,)] = bench.sql(
        "SELECT xmin::text FROM scheduling.idempotency WHERE business_id = %s AND key = 'one'", business_id
    )
    assert appointment == event == key


def test_a_refusal_leaves_neither_event_nor_key(bench: Workbench, shop: Shop) -> None:
    shop.book(at(9))
    with pytest.raises(SlotUnavailable):
        shop.port.book(shop.stranger.writes("refused"), shop.booking(at(9), shop.stranger))
    assert len(events(bench, shop)) == 1
    assert "refused" not in keys(bench, shop)


def test_a_repeated_call_appends_no_event(bench: Workbench, shop: Shop) -> None:
    for _ in range(3):
        shop.port.book(shop.customer.writes("one"), shop.booking())
    assert len(events(bench, shop)) == 1


@pytest.mark.parametrize("table", ["outbox", "idempotency"])
def test_a_write_fails_if_its_event_or_key_cannot_be_stored(own_bench: Workbench, own_shop: Shop, table: str) -> None:
    own_bench.sql(f"ALTER TABLE scheduling.{table} ADD CONSTRAINT full_up CHECK (false) NOT VALID")
    with pytest.raises((SchedulingError, psycopg.Error)):
        own_shop.book()
    assert own_bench.count("appointment", own_shop.business_id) == 0
    assert events(own_bench, own_shop) == []
    own_bench.sql(f"ALTER TABLE scheduling.{table} DROP CONSTRAINT full_up")
    assert own_shop.book().version == 1


def test_refused_dates_of_a_series_leave_no_claim(bench: Workbench, shop: Shop) -> None:
    """A booking may claim its time before the rules decide; a series must not, because it continues after a refusal."""
    request = m.BookSeries(
        offering_id=shop.offering.offering_id,
        provider_id=shop.provider.provider_id,
        customer_id=shop.customer.id,
        starts_at=at(9, day=5),
        recurrence=m.Recurrence(every="day", count=3),
        on_conflict="skip",
    )
    series = shop.port.book_series(shop.customer.writes(), request)
    assert [each.starts_at for each in series.appointments] == [at(9, day=7)]
    assert {each.reason for each in series.conflicts} == {"outside_hours"}
    assert bench.count("claim", shop.business_id) == 1


def test_an_overbooked_appointment_occupies_its_time_alone(bench: Workbench, shop: Shop) -> None:
    """The constraint ignores it; the rules do not."""
    first = shop.book(at(9))
    shop.port.book(shop.staff.writes(), shop.booking(at(9), overbook=True))
    shop.port.cancel(shop.customer.writes(), m.Cancel(appointment_id=first.appointment_id, reason=""))
    with pytest.raises(SlotUnavailable) as refusal:
        shop.book(at(9), shop.stranger)
    assert refusal.value.reason == "taken"
    assert bench.count("claim", shop.business_id) == 1
