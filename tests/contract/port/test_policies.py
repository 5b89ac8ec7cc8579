"""Change policies: cut-offs, fees and limits for customers, and recorded overrides by staff."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import Forbidden, InvalidTransition, PolicyRefused, VersionConflict
from tests.contract.port.adapters import Adapter
from tests.contract.port.appointments import (
    approve,
    cancel,
    changes_of,
    complete,
    decline,
    get,
    hold,
    let_begin,
    mark_no_show,
    move,
)
from tests.contract.port.shop import Caller, Shop, at, hours, open_shop, refused

SIXTY_DAYS = 60 * 24 * 60


IN_A_WEEK = (datetime.now(UTC) + timedelta(days=7)).replace(hour=0, minute=0, second=0, microsecond=0)
"""Midnight, and the same day for every test even when midnight passes meanwhile."""


def soon(hour: int = 9) -> datetime:
    """Return a start within a week, inside every cut-off of 60 days."""
    return IN_A_WEEK.replace(hour=hour)


@pytest.fixture
def strict(adapter: Adapter) -> Shop:
    """A shop that is always open; changes within 60 days of the start cost 40 percent."""
    policy = m.ChangePolicy(late_fee_percent=40)
    shop = open_shop(adapter.port, adapter.new_business(), cancel_cutoff_minutes=SIXTY_DAYS, policy=policy)
    shop.work(hours("00:00", "24:00"))
    return shop


def policy(shop: Shop, **fields: Any) -> None:
    shop.change_offering(policy=m.ChangePolicy(**{"late_fee_percent": 40, **fields}))


def overridden(shop: Shop, appointment: m.Appointment) -> list[tuple[str, tuple[str, ...]]]:
    """Return the operations on an appointment with their overridden rules."""
    return [(each.operation, each.overridden) for each in changes_of(shop, appointment)]


def test_cancelling_before_the_cutoff_costs_nothing(strict: Shop) -> None:
    cancelled = cancel(strict, strict.book(at(9)))
    assert (cancelled.cancelled_in_time, cancelled.fee_percent) == (True, 0)


def test_cancelling_inside_the_cutoff_costs_the_fee(strict: Shop) -> None:
    cancelled = cancel(strict, strict.book(soon()))
    assert (cancelled.status, cancelled.cancelled_in_time, cancelled.fee_percent) == ("cancelled", False, 40)


def test_cancelling_inside_the_cutoff_may_be_refused(strict: Shop) -> None:
    policy(strict, inside_cutoff="refuse")
    booked = strict.book(soon())
    with refused(PolicyRefused, reason="cutoff"):
        cancel(strict, booked)
    assert get(strict, booked) == booked
    assert cancel(strict, strict.book(at(9))).fee_percent == 0


@pytest.mark.parametrize("inside", ["fee", "refuse"])
def test_staff_cancel_without_a_fee_and_it_is_recorded(strict: Shop, inside: str) -> None:
    policy(strict, inside_cutoff=inside)
    booked = strict.book(soon())
    cancelled = cancel(strict, booked, strict.staff)
    assert (cancelled.cancelled_in_time, cancelled.fee_percent) == (True, 0)
    assert overridden(strict, booked) == [("book", ()), ("cancel", ("cutoff",))]


def test_staff_without_an_override_leave_no_override_record(strict: Shop) -> None:
    booked = strict.book(at(9))
    move(strict, booked, at(10), strict.staff)
    cancel(strict, booked, strict.staff)
    assert overridden(strict, booked) == [("book", ()), ("reschedule", ()), ("cancel", ())]


def test_request_or_hold_is_cancelled_free_of_charge_at_any_time(strict: Shop) -> None:
    assert cancel(strict, hold(strict, soon())).fee_percent == 0
    strict.change_offering(requires_approval=True, policy=m.ChangePolicy(late_fee_percent=40))
    assert decline(strict, strict.book(soon(12))).fee_percent == 0


def test_moving_inside_its_own_cutoff_may_be_refused(strict: Shop) -> None:
    policy(strict, inside_cutoff="refuse", reschedule_cutoff_minutes=60)
    booked = strict.book(soon())
    moved = move(strict, booked, soon(10))
    assert (moved.starts_at, moved.fee_percent) == (soon(10), 0)
    policy(strict, inside_cutoff="refuse", reschedule_cutoff_minutes=SIXTY_DAYS)
    with refused(PolicyRefused, reason="cutoff"):
        move(strict, moved, soon(11))
    assert get(strict, moved) == moved


def test_the_cutoff_for_moving_is_that_for_cancelling_unless_it_has_its_own(strict: Shop) -> None:
    policy(strict, inside_cutoff="refuse")
    with refused(PolicyRefused, reason="cutoff"):
        move(strict, strict.book(soon()), soon(10))


def test_a_late_move_s_fee_is_the_change_s_own(strict: Shop) -> None:
    """The event contains the fee; the appointment itself has none."""
    moved = move(strict, strict.book(soon()), soon(10))
    assert moved.fee_percent == 0


def test_cutoff_for_rescheduling_uses_the_old_start(strict: Shop) -> None:
    policy(strict, inside_cutoff="refuse")
    assert move(strict, strict.book(at(9)), soon()).starts_at == soon()


def test_the_policy_limits_reschedules_by_customers(strict: Shop) -> None:
    policy(strict, max_reschedules=2)
    booked = strict.book(at(9))
    once = move(strict, booked, at(10))
    twice = move(strict, once, at(11))
    assert (once.reschedules, twice.reschedules) == (1, 2)
    with refused(PolicyRefused, reason="reschedules"):
        move(strict, twice, at(12))
    assert get(strict, booked) == twice


def test_reschedules_by_staff_are_recorded_and_not_counted(strict: Shop) -> None:
    policy(strict, max_reschedules=1)
    booked = strict.book(at(9))
    early = move(strict, booked, at(10), strict.staff)
    once = move(strict, early, at(11))
    assert (early.reschedules, once.reschedules) == (0, 1)
    again = move(strict, once, at(12), strict.staff)
    assert again.reschedules == 1
    assert [each.overridden for each in changes_of(strict, booked)] == [(), (), (), ("reschedules",)]


def test_the_new_policy_applies_to_existing_appointments(strict: Shop) -> None:
    booked = strict.book(soon())
    strict.change_offering(cancel_cutoff_minutes=0)
    assert cancel(strict, booked).cancelled_in_time is True


def test_a_no_show_costs_the_late_fee(adapter: Adapter, strict: Shop) -> None:
    booked = strict.book(at(9))
    let_begin(adapter, booked)
    missed = mark_no_show(strict, booked, expected_version=1)
    assert (missed.status, missed.version, missed.fee_percent) == ("no_show", 2, 40)
    assert get(strict, booked) == missed


def test_a_past_appointment_can_be_completed(adapter: Adapter, strict: Shop) -> None:
    booked = strict.book(at(9))
    let_begin(adapter, booked)
    completed = complete(strict, booked, expected_version=1)
    assert (completed.status, completed.version, completed.fee_percent) == ("completed", 2, 0)
    assert completed.cancelled_at is None
    assert get(strict, booked) == completed


@pytest.mark.parametrize("end", [complete, mark_no_show])
def test_an_appointment_is_completed_once_and_not_before_its_start(adapter: Adapter, strict: Shop, end: Any) -> None:
    booked = strict.book(at(9))
    with refused(InvalidTransition):
        end(strict, booked)
    let_begin(adapter, booked)
    with refused(VersionConflict, current_version=1):
        end(strict, booked, expected_version=2)
    end(strict, booked)
    for again in (complete, mark_no_show, cancel):
        with refused(InvalidTransition):
            again(strict, booked)


def test_only_a_booked_appointment_can_be_completed(adapter: Adapter, strict: Shop) -> None:
    strict.change_offering(requires_approval=True)
    pending, cancelled = strict.book(at(9)), strict.book(at(10))
    let_begin(adapter, pending)
    cancel(strict, cancelled)
    for each in (pending, cancelled):
        for end in (complete, mark_no_show):
            with refused(InvalidTransition):
                end(strict, each)
    assert approve(strict, pending).status == "booked"


def test_customer_cannot_complete_or_mark_no_show(strict: Shop) -> None:
    booked, customer = strict.book(at(9)), strict.customer
    with refused(Forbidden):
        strict.port.complete(customer.writes(), m.Complete(appointment_id=booked.appointment_id))
    with refused(Forbidden):
        strict.port.mark_no_show(customer.writes(), m.MarkNoShow(appointment_id=booked.appointment_id))


def test_policies_do_not_bind_the_system(strict: Shop) -> None:
    policy(strict, inside_cutoff="refuse", max_reschedules=0)
    system: Caller = strict.system
    booked = strict.book(soon())
    moved = move(strict, booked, soon(10), system)
    cancel(strict, moved, system)
    assert [each.actor for each in changes_of(strict, booked)] == [f"customer:{strict.customer.id}", "system", "system"]
