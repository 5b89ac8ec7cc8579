"""The maintenance worker performs due work without a caller."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from contracts.scheduling import models as m
from scheduling_service.maintenance.due_businesses import DueBusinesses
from scheduling_service.maintenance.expired_keys import ExpiredKeys
from scheduling_service.maintenance.worker import MaintenanceWorker
from tests.contract.port.appointments import cancel, get, hold
from tests.contract.port.shop import Shop, at, customer_of
from tests.contract.port.test_waitlist import join, offer_of, statuses
from tests.databases import Databases
from tests.integration.engine.workbench import Workbench, workbench_on
from tests.polling import eventually

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def worker(bench: Workbench) -> Iterator[MaintenanceWorker]:
    worker = build_worker(bench)
    yield worker
    worker.close()


def build_worker(bench: Workbench) -> MaintenanceWorker:
    """Build the worker as the processes do, except that it examines waitlists at every step."""
    due = DueBusinesses(bench.databases.scheduling_url, bench.databases.role_secret)
    return MaintenanceWorker(due, bench.engine, expired_keys(bench, due), waiting_seconds=0)


def expired_keys(bench: Workbench, due: DueBusinesses) -> ExpiredKeys:
    return ExpiredKeys(due, bench.database, timedelta(days=7))


def let_expire(bench: Workbench, held: m.Appointment) -> None:
    bench.sql("UPDATE scheduling.claim SET expires_at = now() WHERE holder_id = %s", held.appointment_id)
    bench.sql(
        "UPDATE scheduling.appointment SET hold_expires_at = now() WHERE appointment_id = %s", held.appointment_id
    )


def expired(worker: MaintenanceWorker, shop: Shop, held: m.Appointment) -> bool:
    worker.step()
    return get(shop, held).status == "expired"


def test_overdue_holds_expire_in_every_business(bench: Workbench, worker: MaintenanceWorker) -> None:
    shops = [bench.shop() for _ in range(3)]
    holds = [hold(shop) for shop in shops]
    for held in holds:
        let_expire(bench, held)
    eventually(lambda: all(expired(worker, *each) for each in zip(shops, holds, strict=True)), "expiry")
    assert bench.sql(
        "SELECT count(*) FROM scheduling.outbox WHERE convert_from(payload, 'UTF8') LIKE %s", "%appointment.expired%"
    ) == [(3,)]


def test_an_active_hold_is_not_expired(bench: Workbench, shop: Shop, worker: MaintenanceWorker) -> None:
    held = hold(shop)
    for _ in range(3):
        worker.step()
    assert get(shop, held) == held
    assert bench.sql("SELECT count(*) FROM scheduling.idempotency WHERE operation = 'settle'") == [(0,)]


def test_an_unconfirmed_offer_goes_to_the_next_entry(bench: Workbench, shop: Shop, worker: MaintenanceWorker) -> None:
    booked = shop.book(at(9))
    first, second = join(shop), join(shop, customer_of(shop.business_id))
    cancel(shop, booked)
    let_expire(bench, offer_of(shop, first))
    eventually(lambda: worker.step() and statuses(shop, first, second) == ["lapsed", "offered"])


def test_new_hours_are_offered_to_the_waitlist(shop: Shop, worker: MaintenanceWorker) -> None:
    shop.override(at(0).date(), "close")
    entry = join(shop)
    worker.step()
    assert statuses(shop, entry) == ["waiting"]
    shop.override(at(0).date(), "regular")
    eventually(lambda: worker.step() and statuses(shop, entry) == ["offered"])


def test_entries_for_past_times_lapse(bench: Workbench, shop: Shop, worker: MaintenanceWorker) -> None:
    shop.book(at(9))
    entry = join(shop)
    bench.sql(
        """
        UPDATE scheduling.waitlist SET starts_at = now() - interval '2 hours', ends_at = now() WHERE entry_id = %s
        """,
        entry.entry_id,
    )
    eventually(lambda: worker.step() and statuses(shop, entry) == ["lapsed"])


def test_one_worker_is_active_and_another_takes_over(bench: Workbench, shop: Shop, worker: MaintenanceWorker) -> None:
    second = build_worker(bench)
    worker.step()
    held = hold(shop)
    let_expire(bench, held)
    assert not second.step()
    assert get(shop, held).status == "held"
    worker.close()
    eventually(lambda: expired(second, shop, held), "the takeover")
    second.close()


def test_businesses_owned_elsewhere_are_not_settled(bench: Workbench, shop: Shop, worker: MaintenanceWorker) -> None:
    held = hold(shop)
    let_expire(bench, held)
    bench.sql("UPDATE scheduling.lease SET active = false WHERE business_id = %s", shop.business_id)
    worker.step()
    worker.step()
    assert get(shop, held).status == "held"
    bench.sql("UPDATE scheduling.lease SET active = true WHERE business_id = %s", shop.business_id)
    eventually(lambda: expired(worker, shop, held), "expiry")


def test_the_worker_survives_lost_connections(bench: Workbench, shop: Shop, worker: MaintenanceWorker) -> None:
    worker.step()
    held = hold(shop)
    let_expire(bench, held)
    bench.sql(
        """
        SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()
        """
    )
    eventually(lambda: expired(worker, shop, held), "expiry")


def test_an_unreachable_database_is_retried(databases: Databases) -> None:
    away = databases.replacing(scheduling_url="postgresql://127.0.0.1:1/nowhere")
    with workbench_on(databases, pool_size=1) as bench:
        due = DueBusinesses(away.scheduling_url, away.role_secret)
        worker = MaintenanceWorker(due, bench.engine, expired_keys(bench, due))
        assert not any(worker.step() for _ in range(3))


def test_the_workers_role_reads_every_business_and_writes_none(bench: Workbench, shop: Shop) -> None:
    with (
        bench.connect("scheduling_operator") as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("UPDATE scheduling.waitlist SET status = 'left'")


def test_the_relay_process_runs_maintenance_and_stops_in_time(
    databases: Databases, bench: Workbench, shop: Shop
) -> None:
    environment = {
        **os.environ,
        "SCHEDULING_DATABASE_URL": databases.scheduling_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
        "REDIS_URL": databases.redis_url,
    }
    command = [sys.executable, "-m", "scheduling_service.relay"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as process:
        try:
            held = hold(shop)
            let_expire(bench, held)
            eventually(lambda: get(shop, held).status == "expired", "expiry")
            process.send_signal(signal.SIGTERM)
            assert process.wait(5) == 0
            assert process.stderr is not None
            assert b"maintenance stopped" in process.stderr.read()
        finally:
            process.kill()
