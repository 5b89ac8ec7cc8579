"""However the demo ends, no process remains, the next start continues, and acknowledged writes are kept."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import pytest
import requests

from deploy.devstack.process_record import process_start_time
from monolith.cutover.scheduling_flag import AdapterName
from tests.e2e.demo import Demo, Installation, new_installation
from tests.e2e.shop import Customer, Shop, answered, open_both
from tests.polling import eventually

STARTS = "SELECT appointment_id::text, status FROM scheduling.appointment WHERE business_id = %s"
# For a loaded machine; an idle one takes about three seconds.
SECOND_START_SECONDS = 60.0
SERVERS = ("postgres-monolith", "postgres-scheduling", "valkey")
PROCESSES = 10


@dataclass
class Ledger:
    """Acknowledged bookings by business, and requests without a reply."""

    promised: dict[AdapterName, list[str]] = field(default_factory=lambda: {"in_process": [], "http": []})
    unanswered: dict[AdapterName, int] = field(default_factory=lambda: {"in_process": 0, "http": 0})


@dataclass(frozen=True)
class Stopped:
    """A stopped demo in which both shops have a booking."""

    installation: Installation
    shops: Mapping[AdapterName, Shop]
    ledger: Ledger


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    installation = new_installation(tmp_path_factory.mktemp("stopped") / "data")
    ledger = Ledger()
    with Demo(installation, "--no-seed"):
        shops = open_both(installation)
        for shop in shops.values():
            answered(book_one(Customer(installation, shop), ledger, days=2))
    return Stopped(installation, shops, ledger)


@pytest.mark.row("F45")
def test_sigterm_under_load_then_ctrl_c(stopped: Stopped) -> None:
    begun = time.monotonic()
    with Demo(stopped.installation, "--no-seed") as demo:
        assert time.monotonic() - begun < SECOND_START_SECONDS
        check_ledger(stopped)
        with Crowd(stopped):
            eventually(lambda: all(len(ids) > 10 for ids in stopped.ledger.promised.values()), "some bookings")
            leaves_nothing_running(demo, lambda: demo.signal(signal.SIGTERM))
    with Demo(stopped.installation, "--no-seed") as demo:
        check_ledger(stopped)
        leaves_nothing_running(demo, lambda: demo.signal_group(signal.SIGINT))


@pytest.mark.long
@pytest.mark.row("F5", "F17")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has died")
def test_kill_9_of_the_servers_then_of_the_supervisor(stopped: Stopped) -> None:
    with Demo(stopped.installation, "--no-seed") as demo:
        customers = [Customer(stopped.installation, shop) for shop in stopped.shops.values()]
        is_started_again_without_a_loss(demo, stopped, customers)
        children = demo.children()
        demo.kill()
    eventually(lambda: not stopped.installation.taken_ports(), "every port is free")
    eventually(lambda: not running(children), "no process is left")
    with Demo(stopped.installation, "--no-seed"):
        check_ledger(stopped)


def is_started_again_without_a_loss(demo: Demo, stopped: Stopped, customers: Sequence[Customer]) -> None:
    """Kill both Postgres servers and Valkey at the same time."""
    for customer in customers:
        answered(book_one(customer, stopped.ledger, days=4))
    for pid in pids_of(demo, SERVERS):
        os.kill(pid, signal.SIGKILL)
    for customer in customers:
        eventually(partial(book_one, customer, stopped.ledger, days=5), "a booking")
        eventually(partial(has_invoices, customer, 2), "an invoice for each booking")
    for name in SERVERS:
        assert f"{name} ended (signal 9), restarting in 1 s" in demo.output()
    check_ledger(stopped)


class Crowd:
    """Book one slot after the other until the product stops answering."""

    def __init__(self, stopped: Stopped) -> None:
        self._ledger = stopped.ledger
        self._over = threading.Event()
        self._customers = [Customer(stopped.installation, shop) for shop in stopped.shops.values() for _ in range(2)]
        self._pool = ThreadPoolExecutor(len(self._customers))

    def __enter__(self) -> None:
        self._running = [self._pool.submit(self._book, each, days) for days, each in enumerate(self._customers, 10)]

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._pool.shutdown()
        for each in self._running:
            each.result()

    def _book(self, customer: Customer, days: int) -> None:
        """Book on this weekday of 40 weeks, each start once."""
        weeks = chain.from_iterable(self._free(customer, days + 4 * week) for week in range(40))
        for starts_at in weeks:
            if self._over.is_set():
                return
            try:
                answer = customer.book(starts_at)
            except requests.ConnectionError:
                self._ledger.unanswered[customer.shop.adapter] += 1
                return
            if answer.status_code == 201:
                self._ledger.promised[customer.shop.adapter].append(answer.json()["appointment_id"])
            else:
                self._ledger.unanswered[customer.shop.adapter] += 1

    def _free(self, customer: Customer, days: int) -> Iterator[str]:
        try:
            found = customer.slots(days)
        except requests.ConnectionError:
            return
        yield from (slot["starts_at"] for slot in found.json().get("slots", []))


def book_one(customer: Customer, ledger: Ledger, days: int) -> requests.Response:
    """Book the first free start of the day, and record the outcome in the ledger."""
    found = customer.slots(days)
    answer = customer.book(found.json()["slots"][0]["starts_at"]) if found.ok else found
    if answer.status_code == 201:
        ledger.promised[customer.shop.adapter].append(answer.json()["appointment_id"])
    return answer


def check_ledger(stopped: Stopped) -> None:
    """Check that each acknowledged booking exists once, and no unrequested one. A constraint rules out overlap."""
    for adapter, shop in stopped.shops.items():
        rows = dict(stopped.installation.sql(adapter, STARTS, shop.business_id))
        promised = stopped.ledger.promised[adapter]
        assert {each: rows.get(each) for each in promised} == dict.fromkeys(promised, "booked")
        assert len(rows) <= len(promised) + stopped.ledger.unanswered[adapter]


def leaves_nothing_running(demo: Demo, stop: Callable[[], None]) -> None:
    children, installation = demo.children(), demo.installation
    assert len(children) == PROCESSES
    stop()
    assert demo.wait() == 0
    assert "stopping" in demo.output()
    assert installation.taken_ports() == []
    assert running(children) == []
    assert not (installation.data / "run" / "processes.json").exists()
    assert not (installation.data / "run" / "environment.json").exists()
    logs = [log for log in (installation.data / "logs").glob("*.log") if "Logging error" in log.read_text()]
    assert logs == [], "a line was written that could not be written"


def running(processes: Sequence[int]) -> list[int]:
    return [pid for pid in processes if process_start_time(pid) is not None]


def pids_of(demo: Demo, names: Sequence[str]) -> list[int]:
    record = json.loads((demo.installation.data / "run" / "processes.json").read_text())
    return [each["pid"] for each in record if each["name"] in names]


def has_invoices(customer: Customer, count: int) -> bool:
    answer = customer.invoices()
    return answer.ok and len(answer.json()["invoices"]) == count
