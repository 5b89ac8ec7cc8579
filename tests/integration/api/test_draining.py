"""A web server that is told to stop turns its readiness off first, still serves, and answers what it has begun."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import requests

from deploy.devstack.ports import free_port
from tests.databases import Databases
from tests.e2e.shop import Customer, Served, furnished_shop, keyed
from tests.faults.http_site import http_site
from tests.faults.service import SchedulingWeb
from tests.gunicorn_site import GunicornSite, gunicorn_site
from tests.polling import eventually
from tests.site import Client


def status(site: Served, path: str) -> int:
    """Return the status; 0 once the server refuses connections."""
    try:
        return requests.get(site.url + path, timeout=5).status_code
    except requests.ConnectionError:
        return 0


@pytest.mark.row("F45")
def test_a_draining_server_serves_but_is_not_ready(databases: Databases, tmp_path: Path) -> None:
    health = f"http://127.0.0.1:{free_port()}"
    settings = {"WEB_DRAIN_SECONDS": "300", "WEB_HEALTH_PORT": health.rpartition(":")[2]}
    with gunicorn_site(databases, tmp_path, **settings) as site:
        assert (status(site, "/readyz"), status(site, "/")) == (200, 200)
        os.kill(site.pid, signal.SIGTERM)
        eventually(lambda: status(site, "/readyz") == 503, "the end of readiness")
        # Every worker: each of the probes goes to either of the two.
        for _ in range(10):
            assert (status(site, "/readyz"), status(site, "/healthz"), status(site, "/")) == (503, 200, 200)
        probed = requests.get(f"{health}/readyz", timeout=5)
        assert (probed.status_code, probed.text) == (503, "The process stops soon and takes no new work.\n")
        assert requests.get(f"{health}/healthz", timeout=5).status_code == 200
        # The fixture's second SIGTERM stops it, although 300 seconds have not passed.
    assert status(site, "/") == 0


def test_a_server_stops_by_itself_after_draining(databases: Databases, tmp_path: Path) -> None:
    with gunicorn_site(databases, tmp_path, WEB_DRAIN_SECONDS="1") as site:
        os.kill(site.pid, signal.SIGTERM)
        eventually(lambda: status(site, "/") == 0, "the end of the server")


@pytest.mark.row("F45")
@pytest.mark.parametrize("stopped", ["monolith", pytest.param("service", marks=pytest.mark.long)])
def test_requests_under_way_are_answered(databases: Databases, tmp_path: Path, stopped: str) -> None:
    """The bookings wait for a fence when the signal arrives, and are stored afterwards."""
    url = databases.monolith_admin_url if stopped == "monolith" else databases.scheduling_admin_url
    with _draining_soon(stopped, databases, tmp_path) as (site, process):
        customer = Customer(site, furnished_shop(site.url, "salon", "in_process" if process is site else "http"))
        starts = [slot["starts_at"] for slot in customer.slots().json()["slots"][:4]]
        with psycopg.connect(url) as fence:
            fence.execute("SELECT pg_advisory_xact_lock(scheduling.fence_key(%s))", (customer.shop.business_id,))
            with ThreadPoolExecutor(len(starts)) as clients:
                bookings = [clients.submit(_book_alone, site, customer, start) for start in starts]
                eventually(lambda: _waiting(url) == len(starts), "the bookings wait for the fence")
                assert process.pid is not None
                os.kill(process.pid, signal.SIGTERM)
                eventually(lambda: status(process, "/readyz") != 200, "the end of readiness")
                fence.rollback()
        assert [booking.result() for booking in bookings] == [201] * len(starts)
    with psycopg.connect(url) as connection:
        stored = connection.execute("SELECT count(*) FROM scheduling.appointment").fetchone()
    assert stored == (len(starts),)


@contextmanager
def _draining_soon(
    stopped: str, databases: Databases, folder: Path
) -> Iterator[tuple[GunicornSite, GunicornSite | SchedulingWeb]]:
    """Yield the monolith, and the server that will be stopped: the monolith itself, or the service behind it."""
    draining = {"WEB_WORKERS": "1", "WEB_DRAIN_SECONDS": "1"}
    if stopped == "monolith":
        with gunicorn_site(databases, folder, **draining) as site:
            yield site, site
    else:
        with http_site(databases, folder, service_settings=draining) as (site, service):
            yield site, service


def _book_alone(site: GunicornSite, customer: Customer, starts_at: str) -> int:
    """Book over a connection of its own, and return the status."""
    body = {"offering_id": customer.shop.offering_id, "provider_id": customer.shop.provider_id, "starts_at": starts_at}
    client = Client(site.url)
    client.session.cookies.update(customer.client.session.cookies)
    return keyed(client, f"/businesses/{customer.shop.slug}/appointments", body).status_code


def _waiting(url: str) -> int:
    """Return the number of sessions that wait for a fence."""
    statement = """
        SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'
    """
    with psycopg.connect(url) as connection:
        [(count,)] = connection.execute(statement).fetchall()
    return int(count)
