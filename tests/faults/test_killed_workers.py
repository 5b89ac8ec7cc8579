"""A web worker is killed at a known moment of a booking (faults 1 to 5): the booking happens once or not at all.

The moment is held open until the kill has happened: by a fence before the write, by a slow COMMIT, or by a proxy that
forwards no request or no reply. A worker that gunicorn replaces keeps the port, so callers need not look for another.
"""

import contextlib
import http.client
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import OutcomeUnknown, SchedulingError, Unavailable
from deploy.devstack.keys import Keys
from deploy.devstack.ports import HOST, is_free
from deploy.devstack.process_record import process_start_time
from monolith.modules.scheduling.adapters.http import HttpScheduling
from tests.child_processes import children_of, kill_workers
from tests.contract.port.shop import Shop, open_shop
from tests.databases import Databases
from tests.e2e.shop import Customer, furnished_shop
from tests.faults.http_site import set_default_adapter
from tests.faults.proxy import Swallow, TcpProxy
from tests.faults.service import SchedulingWeb
from tests.gunicorn_site import GunicornSite, gunicorn_site
from tests.integration.engine.workbench import SLOW_COMMIT, Background, Workbench, wait_for, workbench_on
from tests.polling import eventually

KEY = "one-key"
NO_REPLY = requests.ConnectionError
MORE_THAN_ALL_TRIES = 8
OTHERS_AT_THE_FENCE = """
    SELECT 1 FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%%begin_write%%' AND pid <> %s
"""


@pytest.fixture(scope="module")
def bench(service_databases: Databases) -> Iterator[Workbench]:
    with workbench_on(service_databases, pool_size=2) as bench:
        yield bench


@pytest.fixture
def shop(direct: HttpScheduling) -> Shop:
    return open_shop(direct, uuid7())


def _outcome(booking: Background[m.Appointment]) -> m.Appointment | SchedulingError:
    try:
        return booking.result()
    except SchedulingError as error:
        return error


def _bookings(bench: Workbench, shop: Shop) -> list[object]:
    rows = bench.sql("SELECT appointment_id FROM scheduling.appointment WHERE business_id = %s", shop.business_id)
    return [each for (each,) in rows]


@pytest.mark.row("F3")
def test_scheduling_worker_killed_before_its_commit(bench: Workbench, shop: Shop, web: SchedulingWeb) -> None:
    with bench.fenced(shop.business_id):
        booking = Background(lambda: shop.port.book(shop.customer.writes(KEY, seconds=2), shop.booking()))
        backend = bench.waiting("begin_write")
        kill_workers(web.pid)
        outcome = _outcome(booking)
        # A repetition by the adapter may wait for the fence in the next worker: until its deadline.
        wait_for(lambda: not bench.sql(OTHERS_AT_THE_FENCE, backend))
    wait_for(lambda: not bench.sql("SELECT 1 FROM pg_stat_activity WHERE pid = %s", backend))
    assert isinstance(outcome, OutcomeUnknown), outcome
    assert _bookings(bench, shop) == []
    booked = eventually(lambda: _book_again(shop), "the replaced worker answers")
    assert _bookings(bench, shop) == [booked.appointment_id]


@pytest.mark.row("F4")
def test_scheduling_worker_killed_after_its_commit(bench: Workbench, shop: Shop, web: SchedulingWeb) -> None:
    """The server completes a COMMIT whose client has died."""
    bench.sql(SLOW_COMMIT.format(seconds=1.0))
    try:
        booking = Background(lambda: shop.port.book(shop.customer.writes(KEY, seconds=2), shop.booking()))
        backend = bench.committing()
        kill_workers(web.pid)
        wait_for(lambda: not bench.sql("SELECT 1 FROM pg_stat_activity WHERE pid = %s", backend))
    finally:
        bench.sql("DROP FUNCTION public.dawdle CASCADE")
    outcome = _outcome(booking)
    [stored] = _bookings(bench, shop)
    # The adapter repeats the key by itself while time is left; the replaced worker may be there in time.
    assert isinstance(outcome, OutcomeUnknown) or getattr(outcome, "appointment_id", None) == stored, outcome
    assert eventually(lambda: _book_again(shop), "the replaced worker answers").appointment_id == stored
    assert _bookings(bench, shop) == [stored]


def _book_again(shop: Shop) -> m.Appointment | None:
    try:
        return shop.port.book(shop.customer.writes(KEY), shop.booking())
    except (OutcomeUnknown, Unavailable):
        return None


@pytest.fixture(scope="module")
def between(web: SchedulingWeb) -> Iterator[TcpProxy]:
    """A proxy between the monolith and the service."""
    with TcpProxy("127.0.0.1", web.port) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def site(
    service_databases: Databases, between: TcpProxy, keys: Keys, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GunicornSite]:
    """A monolith with one worker, whose new businesses are owned by the service."""
    set_default_adapter(service_databases, "http")
    settings = {
        "SCHEDULING_SERVICE_URL": between.url,
        "SERVICE_TOKEN_SIGNING_KEY": keys.signing_key,
        "WEB_WORKERS": "1",
    }
    with gunicorn_site(service_databases, tmp_path_factory.mktemp("monolith"), **settings) as site:
        yield site


@pytest.fixture
def customer(site: GunicornSite) -> Customer:
    return Customer(site, furnished_shop(site.url, f"shop-{uuid7().hex[-12:]}", "http"))


def _rows(bench: Workbench, customer: Customer) -> list[str]:
    statement = "SELECT appointment_id::text FROM scheduling.appointment WHERE business_id = %s"
    return [each for (each,) in bench.sql(statement, customer.shop.business_id)]


def _repeat(customer: Customer, starts_at: str) -> requests.Response | None:
    """Send the booking with its key again, and return the reply if it is a success."""
    try:
        answer = customer.book(starts_at, KEY)
    except NO_REPLY:
        return None
    return answer if answer.status_code == 201 else None


@pytest.mark.row("F1")
def test_monolith_worker_killed_before_the_service_received_its_request(
    bench: Workbench, site: GunicornSite, between: TcpProxy, customer: Customer
) -> None:
    starts_at = customer.slots().json()["slots"][0]["starts_at"]
    between.drop_connections()
    before = between.connections
    with between.half_open():
        booking = Background(lambda: customer.book(starts_at, KEY))
        wait_for(lambda: between.connections > before)
        kill_workers(site.pid)
        with pytest.raises(NO_REPLY):
            booking.result()
        between.drop_connections()
    assert _rows(bench, customer) == []
    answer = eventually(lambda: _repeat(customer, starts_at), "the replaced worker answers")
    assert _rows(bench, customer) == [answer.json()["appointment_id"]]


@pytest.mark.row("F2")
def test_monolith_worker_killed_after_the_service_has_booked(
    bench: Workbench, site: GunicornSite, between: TcpProxy, customer: Customer
) -> None:
    starts_at = customer.slots().json()["slots"][0]["starts_at"]
    between.drop_connections()
    between.inject(*(Swallow() for _ in range(MORE_THAN_ALL_TRIES)))
    booking = Background(lambda: customer.book(starts_at, KEY))
    [stored] = wait_for(lambda: _rows(bench, customer))
    kill_workers(site.pid)
    with pytest.raises(NO_REPLY):
        booking.result()
    between.clear()
    answer = eventually(lambda: _repeat(customer, starts_at), "the replaced worker answers")
    assert answer.json()["appointment_id"] == stored
    assert _rows(bench, customer) == [stored]


@pytest.mark.row("F5")
def test_killed_gunicorn_master_of_the_service_takes_its_workers_and_port_with_it(
    service_databases: Databases, keys: Keys, tmp_path: Path
) -> None:
    with SchedulingWeb(service_databases, keys, tmp_path) as web:
        assert web.pid is not None
        _kill_master(web.pid, web.port)


@pytest.mark.row("F5")
@pytest.mark.long
def test_killed_gunicorn_master_of_the_monolith_takes_its_workers_and_port_with_it(
    service_databases: Databases, tmp_path: Path
) -> None:
    with gunicorn_site(service_databases, tmp_path) as site:
        _kill_master(site.pid, site.port)


def _kill_master(master: int, port: int) -> None:
    """Kill it while a balancer keeps a connection in use: a successor must not wait for that to listen."""
    workers = children_of(master)
    assert workers
    used = threading.Thread(target=_use_connection, args=(port,), daemon=True)
    used.start()
    time.sleep(0.5)
    os.kill(master, signal.SIGKILL)
    eventually(lambda: is_free(port), "the port is free", seconds=4)
    eventually(lambda: not any(process_start_time(each) for each in workers), "no worker is left")
    used.join(10)
    assert not used.is_alive(), "the worker closes the connection with a response"


def _use_connection(port: int) -> None:
    """Send requests over one connection until the server closes it."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    connection.connect()
    connection.auto_open = 0
    with contextlib.suppress(OSError, http.client.NotConnected):
        while True:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            time.sleep(0.05)
