"""Series: booked completely or with reported conflicts, and changed from one occurrence on."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    AppointmentNotFound,
    Forbidden,
    InvalidRequest,
    InvalidTransition,
    OfferingNotFound,
    PolicyRefused,
    ProviderNotFound,
    SeriesNotFound,
    SlotUnavailable,
)
from tests.contract.port.adapters import Adapter
from tests.contract.port.appointments import changes_of, get, hold, let_expire, move
from tests.contract.port.shop import NINE, Caller, Shop, at, refused

WEEKLY = m.Recurrence(every="week", count=4)


def request_of(shop: Shop, starts_at: datetime = NINE, by: Caller | None = None, **fields: Any) -> m.BookSeries:
    wanted = {
        "offering_id": shop.offering.offering_id,
        "provider_id": shop.provider.provider_id,
        "customer_id": (by or shop.customer).id,
        "starts_at": starts_at,
        "recurrence": WEEKLY,
    }
    return m.BookSeries(**{**wanted, **fields})


def book_series(shop: Shop, starts_at: datetime = NINE, by: Caller | None = None, **fields: Any) -> m.Series:
    by = by or shop.customer
    return shop.port.book_series(by.writes(), request_of(shop, starts_at, by, **fields))


def shift(shop: Shop, series: m.Series, index: int, starts_at: datetime, by: Caller | None = None) -> m.Series:
    request = m.RescheduleSeries(
        series_id=series.series_id,
        from_appointment_id=series.appointments[index].appointment_id,
        starts_at=starts_at,
    )
    return shop.port.reschedule_series((by or shop.customer).writes(), request)


def end(shop: Shop, series: m.Series, index: int, by: Caller | None = None, reason: str = "") -> m.Series:
    request = m.CancelSeries(
        series_id=series.series_id,
        from_appointment_id=series.appointments[index].appointment_id,
        reason=reason,
    )
    return shop.port.cancel_series((by or shop.customer).writes(), request)


def read(shop: Shop, series: m.Series, by: Caller | None = None) -> m.Series:
    return shop.port.get_series((by or shop.customer).reads(), m.GetSeries(series_id=series.series_id))


def starts(series: m.Series) -> list[datetime]:
    return [each.starts_at for each in series.appointments]


def standing(shop: Shop) -> list[datetime]:
    page = shop.port.list_appointments(shop.staff.reads(), m.ListAppointments(status="booked", limit=200))
    return [each.starts_at for each in page.appointments]


def test_each_occurrence_is_an_appointment_of_its_own(shop: Shop) -> None:
    series = book_series(shop, note="Every week")
    assert starts(series) == [at(9, day=7 * week) for week in range(4)]
    assert series.conflicts == ()
    assert {(each.status, each.version, each.note) for each in series.appointments} == {("booked", 1, "Every week")}
    assert {each.series_id for each in series.appointments} == {series.series_id}
    assert read(shop, series) == series
    assert [get(shop, each) for each in series.appointments] == [*series.appointments]
    listed = shop.port.list_appointments(shop.customer.reads(), m.ListAppointments(series_id=series.series_id))
    assert listed.appointments == series.appointments
    assert at(9, day=7) not in shop.starts(at(0, day=7), at(0, day=8))


def test_occurrences_keep_the_provider_s_local_time(shop: Shop) -> None:
    marie = shop.add_provider("Marie", zone="Europe/Paris")
    # 09:00 in Paris, before the clocks go back on Sunday 28 October 2040, and after.
    october = datetime.fromisoformat("2040-10-22T09:00:00+02:00")
    series = book_series(shop, october, provider_id=marie.provider_id, recurrence=m.Recurrence(every="week", count=2))
    assert starts(series) == [october, datetime.fromisoformat("2040-10-29T09:00:00+01:00")]


def test_a_conflict_refuses_the_whole_series(shop: Shop) -> None:
    taken = shop.book(at(9, day=14), shop.stranger)
    with refused(SlotUnavailable, reason="taken", starts_at=at(9, day=14).isoformat()):
        book_series(shop)
    assert standing(shop) == [taken.starts_at]
    assert at(9) in shop.starts()


def test_conflicts_can_be_skipped_and_are_reported(shop: Shop) -> None:
    shop.book(at(9, day=4), shop.stranger)
    series = book_series(shop, on_conflict="skip", recurrence=m.Recurrence(every="day", count=7, interval=2))
    assert starts(series) == [at(9), at(9, day=2), at(9, day=8), at(9, day=10)]
    # No provider works on the Sunday six days later, nor on the following Saturday.
    assert [(each.starts_at, each.reason) for each in series.conflicts] == [
        (at(9, day=4), "taken"),
        (at(9, day=6), "outside_hours"),
        (at(9, day=12), "outside_hours"),
    ]
    assert read(shop, series).conflicts == ()


def test_a_dry_run_reports_every_conflict_and_books_nothing(shop: Shop) -> None:
    taken = [shop.book(at(9, day=day), shop.stranger) for day in (7, 14)]
    planned = book_series(shop, dry_run=True)
    assert starts(planned) == [at(9), at(9, day=21)]
    assert [(each.starts_at, each.reason) for each in planned.conflicts] == [
        (each.starts_at, "taken") for each in taken
    ]
    assert standing(shop) == [each.starts_at for each in taken]
    with refused(AppointmentNotFound):
        get(shop, planned.appointments[0])
    assert starts(book_series(shop, on_conflict="skip")) == starts(planned)


def test_a_series_without_a_free_occurrence_is_refused(shop: Shop) -> None:
    for week in range(2):
        shop.book(at(9, day=7 * week), shop.stranger)
    with refused(SlotUnavailable, reason="taken"):
        book_series(shop, on_conflict="skip", recurrence=m.Recurrence(every="week", count=2))


def test_a_customer_s_limit_counts_the_series_itself(shop: Shop) -> None:
    shop.change_offering(limits=m.Limits(customer_week=2))
    daily = m.Recurrence(every="day", count=3)
    with refused(SlotUnavailable, reason="customer_limit"):
        book_series(shop, recurrence=daily)
    series = book_series(shop, recurrence=daily, on_conflict="skip")
    assert starts(series) == [at(9), at(9, day=1)]
    assert [each.reason for each in series.conflicts] == ["customer_limit"]


def test_a_series_of_52_is_booked_in_time(shop: Shop) -> None:
    series = book_series(shop, recurrence=m.Recurrence(every="week", count=52))
    assert len(series.appointments) == 52
    moved = shift(shop, series, 0, at(10))
    assert len(moved.appointments) == 52


def test_a_series_by_a_customer_may_require_approval(shop: Shop) -> None:
    shop.change_offering(requires_approval=True)
    assert {each.status for each in book_series(shop).appointments} == {"pending"}
    assert {each.status for each in book_series(shop, at(10), shop.staff).appointments} == {"booked"}


def test_unknown_ids_are_not_found(shop: Shop) -> None:
    with refused(Forbidden):
        book_series(shop, customer_id=shop.stranger.id)
    with refused(OfferingNotFound):
        book_series(shop, offering_id=uuid4())
    with refused(ProviderNotFound):
        book_series(shop, provider_id=uuid4())
    with refused(InvalidRequest):
        book_series(shop, recurrence=m.Recurrence(every="day", count=53))
    with refused(InvalidRequest, field="recurrence"):
        book_series(
            shop, datetime.fromisoformat("2198-06-04T09:00:00Z"), recurrence=m.Recurrence(every="month", count=52)
        )


def test_other_customers_cannot_see_it(shop: Shop) -> None:
    series = book_series(shop)
    assert read(shop, series, shop.staff) == series
    with refused(SeriesNotFound):
        read(shop, series, shop.stranger)
    with refused(SeriesNotFound):
        shift(shop, series, 0, at(10), shop.stranger)
    with refused(SeriesNotFound):
        end(shop, series, 0, shop.stranger)
    with refused(SeriesNotFound):
        shop.port.get_series(shop.customer.reads(), m.GetSeries(series_id=uuid4()))
    with refused(AppointmentNotFound):
        other = shop.book(at(12))
        shift(shop, m.Series(series_id=series.series_id, appointments=(other,)), 0, at(13))


def test_an_occurrence_is_moved_with_all_that_follow(shop: Shop) -> None:
    series = book_series(shop)
    moved = shift(shop, series, 1, at(14, day=8))
    assert starts(moved) == [at(14, day=8), at(14, day=15), at(14, day=22)]
    assert [each.appointment_id for each in moved.appointments] == [
        each.appointment_id for each in series.appointments[1:]
    ]
    assert {(each.version, each.reschedules) for each in moved.appointments} == {(2, 1)}
    assert starts(read(shop, series)) == [at(9), *starts(moved)]
    [booked, changed] = changes_of(shop, moved.appointments[0])
    assert (booked.operation, changed.operation) == ("book_series", "reschedule_series")
    assert at(9, day=7) in shop.starts(at(0, day=7), at(0, day=8))


@pytest.mark.parametrize("by", [timedelta(minutes=30), timedelta(minutes=-30), timedelta(days=1), timedelta(days=-1)])
def test_occurrences_do_not_conflict_with_each_other(shop: Shop, by: timedelta) -> None:
    shop.change_offering(step_minutes=30)
    series = book_series(shop, at(10, day=1), recurrence=m.Recurrence(every="day", count=3))
    moved = shift(shop, series, 0, at(10, day=1) + by)
    assert starts(moved) == [each + by for each in starts(series)]


def test_moved_occurrences_do_not_count_twice_toward_a_limit(shop: Shop) -> None:
    shop.change_offering(limits=m.Limits(customer_day=1, provider_day=1, customer_week=4))
    series = book_series(shop, recurrence=m.Recurrence(every="day", count=4))
    moved = shift(shop, series, 0, at(9, day=1))
    assert starts(moved) == [at(9, day=day) for day in range(1, 5)]
    back = shift(shop, moved, 0, at(9))
    assert starts(back) == [at(9, day=day) for day in range(4)]


def test_a_conflict_leaves_every_occurrence_unmoved(shop: Shop) -> None:
    series = book_series(shop)
    shop.book(at(14, day=14), shop.stranger)
    with refused(SlotUnavailable, reason="taken"):
        shift(shop, series, 0, at(14))
    assert read(shop, series) == series
    assert at(14) in shop.starts()


def test_ended_occurrences_are_not_moved(shop: Shop) -> None:
    series = book_series(shop)
    cancel = m.Cancel(appointment_id=series.appointments[2].appointment_id)
    shop.port.cancel(shop.customer.writes(), cancel)
    moved = shift(shop, series, 0, at(10))
    assert starts(moved) == [at(10), at(10, day=7), at(10, day=21)]
    with refused(InvalidTransition):
        shift(shop, series, 2, at(11, day=14))
    with refused(InvalidTransition):
        end(shop, series, 2)


def test_a_separately_moved_occurrence_keeps_its_offset(shop: Shop) -> None:
    series = book_series(shop)
    move(shop, series.appointments[1], at(11, day=8))
    assert starts(shift(shop, series, 0, at(10))) == [at(10), at(12, day=8), at(10, day=14), at(10, day=21)]


def test_an_occurrence_is_cancelled_with_all_that_follow(shop: Shop) -> None:
    series = book_series(shop)
    cancelled = end(shop, series, 2, reason="Moving away")
    assert starts(cancelled) == [at(9, day=14), at(9, day=21)]
    assert {(each.status, each.cancel_reason) for each in cancelled.appointments} == {("cancelled", "Moving away")}
    assert [each.status for each in read(shop, series).appointments] == ["booked", "booked", "cancelled", "cancelled"]
    assert at(9, day=14) in shop.starts(at(0, day=14), at(0, day=15))
    assert at(9, day=7) not in shop.starts(at(0, day=7), at(0, day=8))


def test_each_occurrence_follows_the_policy(shop: Shop) -> None:
    series = book_series(shop)
    shop.change_offering(cancel_cutoff_minutes=0, policy=m.ChangePolicy(max_reschedules=1, inside_cutoff="refuse"))
    shift(shop, series, 2, at(10, day=14))
    with refused(PolicyRefused, reason="reschedules"):
        shift(shop, series, 0, at(11))
    assert read(shop, series).appointments[0].version == 1
    moved = shift(shop, series, 0, at(11), shop.staff)
    assert [change.overridden for change in changes_of(shop, moved.appointments[-1])][-1] == ("reschedules",)
    assert [each.reschedules for each in moved.appointments] == [0, 0, 1, 1]


def test_a_key_is_executed_once(shop: Shop) -> None:
    request = request_of(shop)
    first = shop.port.book_series(shop.customer.writes("once"), request)
    assert shop.port.book_series(shop.customer.writes("once"), request) == first
    assert len(standing(shop)) == 4


def test_seats_and_a_duration_are_kept(shop: Shop) -> None:
    yoga = shop.add_offering("Yoga", capacity=3, duration_choices_minutes=(60,))
    series = book_series(shop, offering_id=yoga.offering_id, seats=2, duration_minutes=60)
    shop.book(at(9, day=7), shop.stranger, offering_id=yoga.offering_id, duration_minutes=60)
    moved = shift(shop, series, 0, at(10))
    assert {each.seats for each in moved.appointments} == {2}
    assert {each.ends_at - each.starts_at for each in moved.appointments} == {timedelta(hours=1)}
    left = shop.search(at(9, day=7), at(11, day=7), offering_id=yoga.offering_id, duration_minutes=60).slots
    assert [(slot.starts_at, slot.seats_left) for slot in left] == [(at(9, day=7), 2), (at(10, day=7), 1)]


def test_expired_hold_is_no_conflict(shop: Shop, adapter: Adapter) -> None:
    let_expire(adapter, hold(shop, at(9, day=7), shop.stranger))
    series = book_series(shop)
    let_expire(adapter, hold(shop, at(10, day=14), shop.stranger))
    assert len(shift(shop, series, 0, at(10)).appointments) == 4
