"""Fault 19: requests that wait for the service hold no session of the monolith's database."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import requests

from tests.databases import Databases
from tests.e2e.shop import Customer, furnished_shop
from tests.faults.http_site import http_site
from tests.gunicorn_site import GunicornSite
from tests.polling import eventually
from tests.site import METRICS_TOKEN

WAITING = 4
HELD = """
    SELECT usename, state, query FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""


@pytest.mark.row("F19")
@pytest.mark.long
def test_bookings_that_wait_for_the_service_hold_no_session(databases: Databases, tmp_path: Path) -> None:
    with http_site(databases, tmp_path, WEB_WORKERS="1") as (site, service):
        customer = Customer(site, furnished_shop(site.url, "salon", "http"))
        starts = [slot["starts_at"] for slot in customer.slots().json()["slots"][:WAITING]]
        customers = [Customer(site, customer.shop) for _ in starts]
        service.freeze()
        try:
            with ThreadPoolExecutor(WAITING) as clients, psycopg.connect(databases.monolith_admin_url) as db:
                db.autocommit = True
                bookings = [clients.submit(each.book, start) for each, start in zip(customers, starts, strict=True)]
                eventually(lambda: _bookings_in_flight(site) == WAITING, "the bookings wait for the service")
                assert db.execute(HELD).fetchall() == []
                assert customer.client.get("/me").status_code == 200
                assert not any(booking.done() for booking in bookings)
                assert {booking.result().status_code for booking in bookings} <= {503, 504}
        finally:
            service.thaw()
        assert Customer(site, customer.shop).book(starts[0]).status_code in (201, 409)


def _bookings_in_flight(site: GunicornSite) -> float:
    """Return the number of requests that the module scheduling is serving."""
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    text = requests.get(f"{site.url}/metrics", headers=headers, timeout=5).text
    return sum(
        float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if line.startswith("monolith_http_in_flight{") and 'module="scheduling"' in line
    )
