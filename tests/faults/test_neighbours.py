"""Fault 11: a frozen service occupies a bounded number of the monolith's threads, so the other modules stay fast."""

import itertools
import multiprocessing
import re
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
HANGING_RATE = 40.0
"""Requests to scheduling per second."""
RATE = 25.0
SECONDS = 8.0
USUAL = 0.02
"""Seconds. A p99 below it is noise on a shared machine."""


def neighbours(tenant: Tenant, host: str) -> Iterator[bytes]:
    """Yield requests to auth, billing and notifications in turn, none of which needs scheduling."""
    paths = ["/me/sessions", f"{tenant.path}/invoices", f"{tenant.path}/messages"]
    rendered = [render_request("GET", f"/api/v1{path}", host=host, headers=tenant.owner.headers) for path in paths]
    return itertools.cycle(rendered)


def ask_scheduling(port: int, request: bytes) -> None:
    """Send requests that hang, from a process of its own, so that they do not delay the measured ones."""
    offer(port, itertools.repeat(request), rate=HANGING_RATE, seconds=SECONDS + 3.0, patience=5.0)


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
        offerings = render_request("GET", f"/api/v1{tenant.path}/offerings", host=site.host, headers={})
        clients = multiprocessing.get_context("spawn").Process(target=ask_scheduling, args=(site.port, offerings))
        service.freeze()
        try:
            clients.start()
            offer(site.port, requests_of_others, rate=RATE, seconds=2.0)
            frozen = offer(site.port, requests_of_others, rate=RATE, seconds=SECONDS)
            in_flight = metric(site, "scheduling_client_calls_in_flight")
        finally:
            service.thaw()
            clients.join()
        assert in_flight <= metric(site, "scheduling_client_slots") < THREADS, "fewer places than threads"
        assert metric(site, 'scheduling_client_refused_total{by="breaker"}') > 0, "the breaker opened"
        assert frozen.latency(0.99) <= 1.5 * max(quiet.latency(0.99), USUAL)
