"""Concurrent offers of freed time: no entry gets two offers, and no time is offered twice."""

import random
from collections.abc import Callable
from functools import partial

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.context import SYSTEM
from contracts.scheduling.errors import HoldExpired, InvalidTransition, SchedulingError, SlotUnavailable
from tests.contract.port.appointments import cancel, confirm, hold
from tests.contract.port.shop import Caller, Shop, at, customer_of
from tests.contract.port.test_series import request_of
from tests.contract.port.test_waitlist import join, leave, settle, waiting
from tests.integration.engine.race_invariants import accepted, refusals
from tests.integration.engine.workbench import Workbench, at_once

Call = Callable[[], object]


def offers(shop: Shop) -> list[m.WaitlistEntry]:
    return waiting(shop, status="offered", limit=200)


def held(shop: Shop) -> list[m.Appointment]:
    page = shop.port.list_appointments(shop.staff.reads(), m.ListAppointments(status="held", limit=200))
    return list(page.appointments)


def require_consistent(bench: Workbench, shop: Shop) -> None:
    """Require that each offer is a hold of its customer, and that no active ones overlap."""
    entries, holds = offers(shop), {each.appointment_id: each for each in held(shop)}
    assert len({each.appointment_id for each in entries}) == len(entries)
    for entry in entries:
        assert entry.appointment_id is not None
        assert holds[entry.appointment_id].customer_id == entry.customer_id
    overlapping = bench.sql(
        """
        SELECT a.appointment_id FROM scheduling.appointment a JOIN scheduling.appointment b
            ON a.business_id = b.business_id AND a.provider_id = b.provider_id AND a.appointment_id < b.appointment_id
           AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at
         WHERE a.business_id = %s AND a.status IN ('held', 'pending', 'booked')
           AND b.status IN ('held', 'pending', 'booked')
        """,
        shop.business_id,
    )
    assert overlapping == []


@pytest.mark.parametrize("threads", [2, 8, 32])
def test_there_are_as_many_offers_as_free_times(bench: Workbench, shop: Shop, threads: int) -> None:
    booked = [shop.book(at(9 + n % 8, day=n // 8)) for n in range(threads)]
    for each in booked:
        join(shop, customer_of(shop.business_id), start=each.starts_at, end=each.ends_at)
    results = at_once([partial(cancel, shop, each, shop.staff) for each in booked])
    assert refusals(results) == []
    # Offers do not wait for locks; settling makes offers to skipped entries.
    settle(shop)
    assert len(offers(shop)) == threads
    require_consistent(bench, shop)


@pytest.mark.parametrize("threads", [2, 8])
def test_an_entry_for_any_time_gets_one_offer(bench: Workbench, shop: Shop, threads: int) -> None:
    booked = [shop.book(at(9 + n)) for n in range(threads)]
    for _ in range(threads + 2):
        join(shop, customer_of(shop.business_id), start=at(9), end=at(9 + threads))
    assert refusals(at_once([partial(cancel, shop, each, shop.staff) for each in booked])) == []
    # A locked entry may have been skipped; settling makes its offer.
    settle(shop)
    assert len(offers(shop)) == threads
    require_consistent(bench, shop)


@pytest.mark.parametrize("threads", [2, 8, 32])
def test_a_booking_and_an_offer_never_get_the_same_time(bench: Workbench, shop: Shop, threads: int) -> None:
    booked = shop.book(at(9))
    join(shop)
    calls = [partial(shop.book, at(9), customer_of(shop.business_id)) for _ in range(threads)]
    results = at_once([partial(cancel, shop, booked, shop.staff), *calls])
    assert {(type(each), each.details().get("reason")) for each in refusals(results)} <= {(SlotUnavailable, "taken")}
    # The offer is made in the transaction that frees the time, so nothing can come between.
    assert len(accepted(results)) == 1
    assert len(offers(shop)) == 1
    require_consistent(bench, shop)


@pytest.mark.parametrize("threads", [2, 8, 32])
def test_concurrent_settling_has_each_effect_once(bench: Workbench, shop: Shop, threads: int) -> None:
    for n in range(8):
        hold(shop, at(9 + n), customer_of(shop.business_id))
    for _ in range(10):
        join(shop, customer_of(shop.business_id), start=at(9), end=at(17))
    bench.sql("UPDATE scheduling.claim SET expires_at = now() WHERE business_id = %s", shop.business_id)
    bench.sql(
        "UPDATE scheduling.appointment SET hold_expires_at = now() WHERE business_id = %s AND status = 'held'",
        shop.business_id,
    )
    system = Caller(shop.business_id, SYSTEM)
    results = at_once([partial(_settle, shop, system) for _ in range(threads)])
    assert refusals(results) == []
    assert sum(each.expired for each in accepted(results)) == 8
    settle(shop)
    assert len(offers(shop)) == 8
    require_consistent(bench, shop)


@pytest.mark.parametrize("round_", range(5))
def test_confirming_an_offer_against_leaving_the_waitlist(bench: Workbench, shop: Shop, round_: int) -> None:
    entry = join(shop)
    [offered] = held(shop)
    calls: list[Call] = [partial(confirm, shop, offered, shop.stranger), partial(leave, shop, entry)]
    results = at_once(calls)
    [refusal] = refusals(results)
    assert isinstance(refusal, InvalidTransition)
    [now] = waiting(shop)
    assert now.status == ("booked" if isinstance(results[0], m.Appointment) else "left")
    require_consistent(bench, shop)


def test_joining_against_cancelling_leaves_no_entry_waiting_for_free_time(bench: Workbench, shop: Shop) -> None:
    for _ in range(10):
        booked = shop.book(at(9))
        calls: list[Call] = [
            partial(cancel, shop, booked, shop.staff),
            partial(join, shop, customer_of(shop.business_id)),
        ]
        assert refusals(at_once(calls)) == []
        settle(shop)
        [offered] = held(shop)
        require_consistent(bench, shop)
        cancel(shop, offered, shop.staff)


@pytest.mark.parametrize("threads", [2, 8])
def test_concurrent_series_are_all_or_none(bench: Workbench, shop: Shop, threads: int) -> None:
    """All request the same Mondays: one gets them all."""
    deadlocks = bench.deadlocks()
    callers = [customer_of(shop.business_id) for _ in range(threads)]
    results = at_once([partial(_series, shop, each) for each in callers])
    [series] = accepted(results)
    assert len(series.appointments) == 4
    assert {type(each) for each in refusals(results)} <= {SlotUnavailable}
    assert bench.count("appointment", shop.business_id) == 4
    assert bench.deadlocks() == deadlocks


@pytest.mark.parametrize("threads", [4, 8])
def test_concurrently_moved_series_stay_whole(bench: Workbench, shop: Shop, threads: int) -> None:
    """Each moves to its neighbour's times; no series is split by a refusal."""
    deadlocks = bench.deadlocks()
    callers = [customer_of(shop.business_id) for _ in range(threads)]
    made = [_series(shop, each, 9 + n) for n, each in enumerate(callers)]
    calls = [partial(_shift, shop, series, 9 + (n + 1) % threads) for n, series in enumerate(made)]
    results = at_once(calls)
    assert {type(each) for each in refusals(results)} <= {SlotUnavailable}
    for caller, series in zip(callers, made, strict=True):
        request = m.GetSeries(series_id=series.series_id)
        found = shop.port.get_series(caller.reads(), request).appointments
        assert len({(each.starts_at.hour, each.version) for each in found}) == 1
    require_consistent(bench, shop)
    assert bench.deadlocks() == deadlocks


@pytest.mark.parametrize("threads", [4, 16])
def test_concurrent_visits_are_all_or_none(bench: Workbench, shop: Shop, threads: int) -> None:
    beard = shop.add_offering("Beard", duration_minutes=60)
    shop.add_provider("Zoe")
    deadlocks = bench.deadlocks()

    def visit(n: int) -> m.Visit:
        by = customer_of(shop.business_id)
        offerings = (shop.offering, beard) if n % 2 else (beard, shop.offering)
        items = tuple(m.VisitItem(offering_id=each.offering_id) for each in offerings)
        request = m.BookVisit(customer_id=by.id, starts_at=at(9 + n % 3), items=items)
        return shop.port.book_visit(by.writes(), request)

    results = at_once([partial(visit, n) for n in range(threads)])
    assert {type(each) for each in refusals(results)} <= {SlotUnavailable}
    assert accepted(results)
    assert bench.count("appointment", shop.business_id) == 2 * len(accepted(results))
    require_consistent(bench, shop)
    assert bench.deadlocks() == deadlocks


def _settle(shop: Shop, system: Caller) -> m.Settled:
    return shop.port.settle(system.writes(), m.Settle())


def _series(shop: Shop, by: Caller, hour: int = 9) -> m.Series:
    return shop.port.book_series(by.writes(), request_of(shop, at(hour), by))


def _shift(shop: Shop, series: m.Series, hour: int) -> m.Series:
    request = m.RescheduleSeries(
        series_id=series.series_id,
        from_appointment_id=series.appointments[0].appointment_id,
        starts_at=at(hour),
    )
    return shop.port.reschedule_series(shop.staff.writes(), request)


@pytest.mark.parametrize("seed", range(3))
def test_concurrent_operations_of_all_kinds_stay_consistent(bench: Workbench, shop: Shop, seed: int) -> None:
    """Customers book, hold, join, confirm, leave and cancel, while settling runs."""
    shop.add_provider("Zoe")
    shop.add_offering("Beard", duration_minutes=30)
    deadlocks = bench.deadlocks()
    results = at_once([partial(_live, shop, 100 * seed + n) for n in range(8)])
    unexpected = [each for errors in accepted(results) for each in errors if type(each) not in _REFUSALS]
    assert unexpected == []
    assert refusals(results) == []
    require_consistent(bench, shop)
    orphans = bench.sql(
        """
        SELECT c.holder_id FROM scheduling.claim c LEFT JOIN scheduling.appointment a
            ON a.business_id = c.business_id AND a.appointment_id = c.holder_id AND a.status IN ('held', 'booked')
         WHERE c.business_id = %s AND a.appointment_id IS NULL
        """,
        shop.business_id,
    )
    assert orphans == []
    assert bench.deadlocks() == deadlocks


_REFUSALS = {SlotUnavailable, InvalidTransition, HoldExpired}


def _live(shop: Shop, seed: int) -> list[SchedulingError]:
    """Run one customer's operations; return the refusals."""
    chance, me, met = random.Random(seed), customer_of(shop.business_id), []
    for _ in range(25):
        try:
            _act(shop, chance, me)
        except SchedulingError as refusal:
            met.append(refusal)
    return met


def _act(shop: Shop, chance: random.Random, me: Caller) -> None:
    hour = chance.randrange(9, 13)
    mine = shop.port.list_appointments(me.reads(), m.ListAppointments(limit=200)).appointments
    entries = waiting(shop, me, limit=200)
    holds = [each for each in mine if each.status == "held"]
    active = [each for each in mine if each.status in ("held", "booked")]
    acts: list[Call] = [
        partial(shop.book, at(hour), me, provider_id=None),
        partial(hold, shop, at(hour), me),
        partial(join, shop, me, start=at(hour), end=at(hour + chance.randrange(1, 4))),
        partial(_series, shop, me, hour),
        lambda: settle(shop),
        *[partial(confirm, shop, each, me) for each in holds[:2]],
        *[partial(leave, shop, each, me) for each in entries[-2:]],
        *[partial(cancel, shop, each, me) for each in active[:4]],
    ]
    chance.choice(acts)()
