"""Shadow reads do not affect users, and detect differences between the databases."""

import random
import threading
import time
from statistics import median
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import AppointmentNotFound, SlotUnavailable
from contracts.scheduling.port import OPERATIONS, SchedulingPort
from contracts.scheduling.values import DatabaseName
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.preflight import PreflightChecks
from tests.contract.port.adapters import Adapter
from tests.contract.port.samples import samples, standing
from tests.contract.port.shop import Shop
from tests.cutover.writers import writers
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.integration.shadow.conftest import Monolith, Started
from tests.polling import eventually

READS = {operation.name: operation for operation in OPERATIONS if not operation.writes}
A_WAIT_WOULD_TAKE = 0.6
"""Seconds. A shadow read has one; a read of these tests takes about 10 ms on an idle machine."""

LAG_SECONDS = 3.0
"""The longest replication lag on a machine that runs all tests in parallel."""


def listed(shop: Shop) -> m.Offerings:
    return shop.port.list_offerings(shop.anonymous.reads(), m.ListOfferings())


def read_everything(port: SchedulingPort, shop: Shop, requests: dict[str, Any]) -> None:
    for name, operation in READS.items():
        port.call(operation, shop.staff.reads(), requests[name])


@pytest.mark.parametrize("owner", ["monolith", "scheduling"])
def test_equal_databases_give_no_difference_in_any_operation(
    shared_databases: Databases, monolith: Started, owner: DatabaseName
) -> None:
    url = shared_databases.monolith_admin_url if owner == "monolith" else shared_databases.scheduling_admin_url
    with monolith(pause_seconds=LAG_SECONDS) as process:
        shop = process.shop(owner)
        requests = samples(shop, standing(Adapter(owner, process.port, url), shop))
        for _ in range(3):
            read_everything(process.port, shop, requests)
        with pytest.raises(AppointmentNotFound):
            process.port.get_appointment(shop.staff.reads(), m.GetAppointment(appointment_id=uuid4()))
        found = process.found()

    assert set(found) == set(READS)
    for each in found.values():
        assert (each.different, each.failed, each.dropped) == (0, 0, 0), each
        assert each.compared >= 3
        assert each.owner_ms is not None
        assert each.candidate_ms is not None
        assert 0 < each.owner_ms < 1000
        assert 0 < each.candidate_ms < 1000
        assert each.ratio is not None
        assert each.example is None
    assert found["get_appointment"].compared == 4


def test_replication_lag_is_not_a_difference(monolith: Started) -> None:
    with monolith(pause_seconds=LAG_SECONDS, longest_queue=10_000) as process:
        shop = process.shop()
        shop.change_offering(duration_minutes=15, step_minutes=15)
        with writers(shop, 2, pause=0.2) as ledger:
            for _ in range(60):
                shop.port.list_appointments(shop.staff.reads(), m.ListAppointments())
                shop.search()
                time.sleep(0.02)
        found = process.found()

    assert ledger.answers["done"] > 5
    assert {each.different for each in found.values()} == {0}, found
    assert {each.failed for each in found.values()} == {0}, found
    assert found["list_appointments"].compared > 30


def test_epoch_is_no_difference_after_a_cutover(monolith: Started, replicated: SchedulingDatabases) -> None:
    with (
        monolith(pause_seconds=LAG_SECONDS) as process,
        Controller(replicated, PreflightChecks(replicated, lambda database: None)) as controller,
    ):
        shop = process.shop()
        move = controller.cut_over(
            shop.business_id, "monolith", "scheduling", fence_seconds=10.0, actor="tests", reason="to see"
        )
        assert move.state == "active"
        shop.book()
        assert shop.port.get_business(shop.anonymous.reads(), m.GetBusiness()).epoch == 2
        found = process.found()["get_business"]

    assert (found.compared, found.different) == (1, 0)


def test_planted_difference_is_found_with_an_example(
    monolith: Started, replicated: SchedulingDatabases, vandal: psycopg.Connection[Any]
) -> None:
    with monolith() as process:
        shop = process.shop()
        booked = shop.book(note="Please call Ann on the phone")
        request = m.GetAppointment(appointment_id=booked.appointment_id)
        planted = "UPDATE scheduling.appointment SET note = 'Do not call Ann', version = 7 WHERE appointment_id = %s"
        eventually(lambda: vandal.execute(planted, (booked.appointment_id,)).rowcount, "the copy")

        assert process.port.get_appointment(shop.staff.reads(), request) == booked
        listed(shop)
        found = process.found()
        exposed = process.metrics.exposition().decode()

    assert (found["list_offerings"].different, found["list_offerings"].example) == (0, None)
    assert (found["get_appointment"].compared, found["get_appointment"].different) == (1, 1)
    example = found["get_appointment"].example
    assert example is not None
    assert example["business_id"] == str(shop.business_id)
    assert example["operation"] == "get_appointment"
    assert example["owner_side"] == "monolith"
    assert str(booked.appointment_id) in example["request"]
    assert example["places"] == [
        {"at": "version", "owner": "1", "candidate": "7"},
        {"at": "note", "owner": '"(28 characters)"', "candidate": '"(15 characters)"'},
    ]
    assert "Ann" not in str(example)
    assert 'monolith_shadow_reads_total{operation="get_appointment",outcome="different"} 1.0' in exposed
    assert 'monolith_shadow_reads_total{operation="list_offerings",outcome="same"} 1.0' in exposed


def test_missing_row_is_a_difference(monolith: Started, vandal: psycopg.Connection[Any]) -> None:
    with monolith() as process:
        shop = process.shop()
        gone = "DELETE FROM scheduling.offering WHERE business_id = %s"
        eventually(lambda: vandal.execute(gone, (shop.business_id,)).rowcount, "the copy")
        shop.search()
        found = process.found()["search_slots"]

    assert (found.compared, found.different) == (1, 1)
    assert found.example is not None
    assert "offering_not_found" in found.example["candidate"]


@pytest.mark.parametrize("trouble", ["unreachable", "half_open"])
def test_dead_or_hanging_candidate_does_not_affect_users(monolith: Started, service: TcpProxy, trouble: str) -> None:
    with monolith() as process:
        shop = process.shop()
        with getattr(service, trouble)():
            took = [timed_read(shop) for _ in range(40)]
            found = process.found()["list_offerings"]

    assert median(took) < A_WAIT_WOULD_TAKE
    assert (found.compared, found.different) == (0, 0)
    assert found.failed + found.dropped == 40
    assert found.failed > 5
    assert found.owner_ms is None


def test_users_reach_the_service_while_shadow_reads_hang(monolith: Started, service: TcpProxy) -> None:
    with monolith() as process, service.half_open():
        here, there = process.shop("monolith"), process.shop("scheduling", percent=0)
        for _ in range(20):
            listed(here)
        time.sleep(1.5)

        assert median(timed_read(there) for _ in range(9)) < A_WAIT_WOULD_TAKE


def test_full_queue_drops_reads(monolith: Started, service: TcpProxy) -> None:
    with monolith(longest_queue=3, threads=1) as process:
        shop = process.shop()
        with service.half_open():
            took = [timed_read(shop) for _ in range(30)]
            found = process.found()["list_offerings"]
        exposed = process.metrics.exposition().decode()

    assert median(took) < A_WAIT_WOULD_TAKE
    assert found.dropped >= 10
    assert found.failed + found.dropped == 30
    assert f'monolith_shadow_reads_total{{operation="list_offerings",outcome="dropped"}} {found.dropped}.0' in exposed


def test_without_a_percentage_nothing_is_shadowed(monolith: Started, service: TcpProxy) -> None:
    with monolith() as process:
        before = threading.active_count()
        shop = process.shop(percent=0)
        for _ in range(50):
            listed(shop)
        assert threading.active_count() <= before
        assert service.connections == 0
        assert process.found() == {}


def test_writes_are_never_shadowed(monolith: Started, service: TcpProxy) -> None:
    with monolith() as process:
        shop = process.shop()
        time.sleep(0.6)
        booked = shop.book()
        shop.port.cancel(shop.customer.writes(), m.Cancel(appointment_id=booked.appointment_id))
        shop.book()
        with pytest.raises(SlotUnavailable):
            shop.book(by=shop.stranger)
        shop.port.settle(shop.system.writes(), m.Settle())
        assert service.connections == 0
        assert process.found() == {}


def test_percentage_applies_to_each_business(monolith: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", random.Random(1).random)
    with monolith(longest_queue=10_000) as process:
        a_third, all_of_them, none = process.shop(percent=33.3), process.shop(percent=100), process.shop(percent=0)
        time.sleep(0.6)
        for _ in range(600):
            listed(a_third)
        seen = chosen(process)
        for _ in range(50):
            listed(none)
        assert chosen(process) == seen
        for _ in range(50):
            listed(all_of_them)

        # More than five standard deviations.
        assert 140 < seen < 260
        assert chosen(process) == seen + 50


@pytest.mark.parametrize("value", ["nonsense", "nan", "-1", "101", "inf"])
def test_invalid_percentage_counts_as_zero(monolith: Started, service: TcpProxy, value: str) -> None:
    with monolith() as process:
        shop = process.shop(percent=float("0"))
        process.ask_for("scheduling.shadow", value, shop.business_id)
        time.sleep(0.6)
        listed(shop)
        assert chosen(process) == 0


def chosen(process: Monolith) -> int:
    """Wait for all comparisons, and return the number of shadowed reads."""
    eventually(lambda: process.reads.idle, "all compared")
    lines = process.metrics.exposition().decode().splitlines()
    return int(sum(float(line.split()[-1]) for line in lines if line.startswith("monolith_shadow_reads_total{")))


def timed_read(shop: Shop) -> float:
    began = time.perf_counter()
    listed(shop)
    return time.perf_counter() - began
