"""Fault 11: a frozen service occupies a bounded number of the monolith's threads, so the other modules stay fast."""

import itertools
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from loadtests.harness.offered_load import offer
from loadtests.harness.raw_http import render_request
from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, open_tenant
from tests.databases import Databases
from tests.faults.http_site import http_site
from tests.gunicorn_site import GunicornSite
from tests.site import METRICS_TOKEN

THREADS = 8
CLIENTS = 32
RATE = 25.0
SECONDS = 8.0
USUAL = 0.02
"""Seconds. A p99 below it is noise on a shared machine."""


def neighbours(tenant: Tenant, host: str) -> Iterator[bytes]:
    """Yield requests to auth, billing and notifications in turn, none of which needs scheduling."""
    paths = ["/me/sessions", f"{tenant.path}/invoices", f"{tenant.path}/messages"]
    rendered = [render_request("GET", f"/api/v1{path}", host=host, headers=tenant.owner.headers) for path in paths]
    return itertools.cycle(rendered)


def metric(site: GunicornSite, name: str) -> float:
    page = requests.get(f"{site.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10).text
    found = re.search(rf"^{re.escape(name)} ([0-9.]+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.row("F11")
@pytest.mark.long
def test_frozen_service_leaves_the_p99_of_the_other_modules(databases: Databases, tmp_path: Path) -> None:
    settings = {"WEB_WORKERS": "1", "WEB_THREADS": str(THREADS)}
    with http_site(databases, tmp_path, **settings) as (site, service):
        tenant = open_tenant(site.port, 1, ROUND_THE_CLOCK)
        requests_of_others = neighbours(tenant, site.host)
        offer(site.port, requests_of_others, rate=RATE, seconds=2.0)
        quiet = offer(site.port, requests_of_others, rate=RATE, seconds=SECONDS)
        over = threading.Event()

        def ask_scheduling() -> None:
            while not over.wait(0.2):
                requests.get(f"{site.url}/api/v1{tenant.path}/offerings", timeout=30)

        clients = [threading.Thread(target=ask_scheduling) for _ in range(CLIENTS)]
        service.freeze()
        try:
            for client in clients:
                client.start()
            frozen = offer(site.port, requests_of_others, rate=RATE, seconds=SECONDS)
            in_flight = metric(site, "scheduling_client_calls_in_flight")
        finally:
            over.set()
            service.thaw()
            for client in clients:
                client.join()
        assert in_flight <= metric(site, "scheduling_client_slots") < THREADS, "fewer places than threads"
        assert metric(site, 'scheduling_client_refused_total{by="breaker"}') > 0, "the breaker opened"
        assert frozen.latency(0.99) <= 1.5 * max(quiet.latency(0.99), USUAL)
