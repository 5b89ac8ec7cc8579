"""Concurrent threads on one Postgres: exactly what was acknowledged is stored, once."""

import json
import subprocess
import sys
import time
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import (
    InvalidTransition,
    KeyInProgress,
    VersionConflict,
)
from tests.contract.port import appointments as calls
from tests.contract.port.shop import Caller, Shop, at, customer_of, hours
from tests.integration.engine.race_invariants import accepted, ids, refusals, require_apart, require_taken, standing
from tests.integration.engine.workbench import SLOW_COMMIT, Background, Workbench, at_once

ROOT = Path(__file__).resolve().parents[3]


def half_hourly(shop: Shop) -> Shop:
    request = m.UpdateOffering(offering_id=shop.offering.offering_id, name="Cut", duration_minutes=60, step_minutes=15)
    shop.port.update_offering(shop.staff.writes(), request)
    return shop


def cancel(shop: Shop, appointment: m.Appointment) -> m.Appointment:
    return calls.cancel(shop, appointment, shop.staff)


def move(shop: Shop, appointment: m.Appointment, starts_at: datetime) -> m.Appointment:
    return calls.move(shop, appointment, starts_at, shop.staff)


@pytest.mark.row("F25")
@pytest.mark.parametrize("threads", [2, 8, 32, 64])
def test_one_slot_is_booked_exactly_once(bench: Workbench, shop: Shop, threads: int) -> None:
    deadlocks = bench.deadlocks()
    began = time.monotonic()
    results = at_once([partial(shop.book, at(9), customer_of(shop.business_id)) for _ in range(threads)])
    assert time.monotonic() - began < 3.0
    assert len(accepted(results)) == 1
    require_taken(results)
    assert standing(shop) == accepted(results)
    assert bench.count("outbox", shop.business_id) == 1
    assert bench.deadlocks() == deadlocks


@pytest.mark.parametrize("threads", [8, 32])
def test_overlapping_slots_are_never_both_booked(bench: Workbench, shop: Shop, threads: int) -> None:
    half_hourly(shop)
    deadlocks = bench.deadlocks()
    starts = [at(9 + n % 4 // 2, 15 * (n % 4)) for n in range(threads)]
    results = at_once([partial(shop.book, each, customer_of(shop.business_id)) for each in starts])
    require_taken(results)
    require_apart(standing(shop))
    assert ids(standing(shop)) == ids(accepted(results))
    assert accepted(results)
    assert bench.deadlocks() == deadlocks


@pytest.mark.row("F22")
@pytest.mark.parametrize("threads", [2, 8, 32])
def test_one_key_is_executed_once(bench: Workbench, shop: Shop, threads: int) -> None:
    def book() -> m.Appointment:
        return shop.port.book(shop.customer.writes("one"), shop.booking())

    results = at_once([book] * threads)
    assert {type(each) for each in refusals(results)} <= {KeyInProgress}
    assert accepted(results)
    assert ids(accepted(results)) == ids(standing(shop)) == ids([book()])
    assert bench.count("outbox", shop.business_id) == 1


@pytest.mark.row("F22")
def test_a_key_in_progress_is_reported_within_its_timeout(own_bench: Workbench, own_shop: Shop) -> None:
    """The second caller waits a second for the first, then gets KeyInProgress."""
    own_bench.sql(SLOW_COMMIT.format(seconds=1.8))

    def book() -> m.Appointment:
        return own_shop.port.book(own_shop.customer.writes("one"), own_shop.booking())

    first = Background(book)
    own_bench.committing()
    began = time.monotonic()
    with pytest.raises(KeyInProgress):
        book()
    assert time.monotonic() - began < 1.5
    assert book() == first.result()


@pytest.mark.row("F43")
def test_a_cancelled_slot_is_booked_exactly_once(shop: Shop) -> None:
    booked = shop.book(at(9))
    for _ in range(5):
        contenders = [partial(shop.book, at(9), customer_of(shop.business_id)) for _ in range(6)]
        results = at_once([partial(cancel, shop, booked), *contenders])
        assert isinstance(results[0], m.Appointment)
        assert len(accepted(results[1:])) <= 1
        require_taken(results)
        assert ids(standing(shop)) == ids(accepted(results[1:]))
        booked = (accepted(results[1:]) or [shop.book(at(9))])[0]


@pytest.mark.parametrize("threads", [2, 8, 16])
def test_rescheduling_against_booking(bench: Workbench, shop: Shop, threads: int) -> None:
    mine = shop.book(at(16))
    deadlocks = bench.deadlocks()
    contenders = [partial(shop.book, at(9), customer_of(shop.business_id)) for _ in range(threads)]
    results = at_once([partial(move, shop, mine, at(9)), *contenders])
    assert len(accepted(results)) == 1
    require_taken(results)
    require_apart(standing(shop))
    assert bench.deadlocks() == deadlocks


@pytest.mark.parametrize("threads", [2, 8])
def test_rescheduling_into_one_slot(bench: Workbench, shop: Shop, threads: int) -> None:
    several = [shop.book(at(9 + n)) for n in range(threads)]
    deadlocks = bench.deadlocks()
    results = at_once([partial(move, shop, each, at(9, day=1)) for each in several])
    assert len(accepted(results)) == 1
    require_taken(results)
    assert len(standing(shop)) == threads
    assert bench.deadlocks() == deadlocks


def test_concurrent_reschedules_never_deadlock(bench: Workbench, shop: Shop) -> None:
    """Two writes that entered the constraint's index together used to deadlock."""
    several = [shop.book(at(9 + n)) for n in range(6)]
    deadlocks = bench.deadlocks()
    arguments = [bench.role_url("scheduling_app"), str(shop.business_id)]
    command = [sys.executable, "-m", "tests.integration.engine.rescheduler", *arguments]
    movers = [
        subprocess.Popen([*command, str(each.appointment_id), str(seed)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for seed, each in enumerate(several)
    ]
    told = [json.loads(mover.communicate()[0]) for mover in movers]
    assert [each["errors"] for each in told] == [[]] * len(movers)
    assert sum(each["moves"] for each in told) > 0
    assert bench.deadlocks() == deadlocks
    require_apart(standing(shop))


def test_an_appointment_moved_while_locked_is_still_found(bench: Workbench, shop: Shop) -> None:
    """A write that waited for the row used to get AppointmentNotFound."""
    zoe, booked = shop.add_provider(), shop.book(at(9))
    with bench.administrator() as other, other.transaction():
        for statement in (
            "UPDATE scheduling.claim SET resource_id = %s WHERE holder_id = %s",
            "UPDATE scheduling.appointment SET provider_id = %s WHERE appointment_id = %s",
        ):
            other.execute(statement, (zoe.provider_id, booked.appointment_id))
        cancelling = Background(partial(cancel, shop, booked))
        bench.waiting("FOR NO KEY UPDATE")
    assert cancelling.result().provider_id == zoe.provider_id


def test_swapping_two_appointments_refuses_both(shop: Shop) -> None:
    one, two = shop.book(at(9)), shop.book(at(10))
    results = at_once([partial(move, shop, one, at(10)), partial(move, shop, two, at(9))])
    require_taken(results)
    assert len(refusals(results)) == 2


@pytest.mark.row("F20")
def test_crossing_reschedules_do_not_deadlock(bench: Workbench, shop: Shop) -> None:
    """The targets overlap, so each conflicts with the other."""
    half_hourly(shop)
    deadlocks = bench.deadlocks()
    for day in range(5):
        several = [shop.book(at(9 + n, day=day)) for n in (0, 2, 4, 6)]
        targets = [at(9, 15 * n, day=day + 7) for n in range(4)]
        results = at_once([partial(move, shop, each, to) for each, to in zip(several, targets, strict=True)])
        require_taken(results)
        assert accepted(results)
    require_apart(standing(shop))
    assert bench.deadlocks() == deadlocks


@pytest.mark.parametrize("threads", [2, 8, 16])
def test_one_version_is_changed_once(shop: Shop, threads: int) -> None:
    booked = shop.book(at(9))
    request = m.Cancel(appointment_id=booked.appointment_id, expected_version=1)
    moves = [partial(move, shop, booked, at(9, day=1 + n % 4)) for n in range(threads - 1)]
    results = at_once([*moves, partial(shop.port.cancel, shop.staff.writes(), request)])
    assert len(accepted(results)) == 1
    assert {type(each) for each in refusals(results)} == {VersionConflict}


def test_an_appointment_is_cancelled_once(bench: Workbench, shop: Shop) -> None:
    booked = shop.book(at(9))
    results = at_once([partial(cancel, shop, booked)] * 16)
    assert len(accepted(results)) == 1
    assert {type(each) for each in refusals(results)} == {InvalidTransition}
    assert bench.count("outbox", shop.business_id) == 2


def test_opening_a_business_concurrently_opens_it_once(bench: Workbench, shop: Shop) -> None:
    newcomer = Caller(customer_of(shop.business_id).id, shop.system.actor)
    names = [m.OpenBusiness(name=f"Salon {n}", zone="UTC") for n in range(8)]
    results = at_once(
        [partial(lambda name: bench.engine.open_business(newcomer.writes(), name), each) for each in names]
    )
    assert not refusals(results)
    assert len({opened.name for opened in accepted(results)}) == 1


def test_no_booking_violates_the_hours_in_force(shop: Shop) -> None:
    """Hours change back and forth while customers book. A booking made while the afternoon was certainly closed (after
    the closing call returned and before the opening call began) must not be in the afternoon."""
    closed: list[tuple[datetime, datetime]] = []
    done = False

    def book_all_the_time() -> list[m.Appointment]:
        made = []
        while not done:
            for hour in (9, 14, 15, 16):
                made += accepted(at_once([partial(shop.book, at(hour), customer_of(shop.business_id))]))
            for each in made[-4:]:
                at_once([partial(cancel, shop, each)])
        return made

    customers = [Background(book_all_the_time) for _ in range(4)]
    for _ in range(8):
        shop.work(hours("09:00", "12:00"))
        began = datetime.now().astimezone()
        time.sleep(0.05)
        closed.append((began, datetime.now().astimezone()))
        shop.work(hours("09:00", "17:00"))
        time.sleep(0.02)
    done = True
    made = [each for customer in customers for each in customer.result()]
    afternoon = [each for each in made if each.starts_at >= at(12)]
    assert afternoon, "the test needs some that were allowed"
    for each in afternoon:
        assert not [period for period in closed if period[0] <= each.booked_at <= period[1]]
