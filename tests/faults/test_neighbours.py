"""Fault 11: a frozen service occupies a bounded number of the monolith's threads, so the other modules stay fast."""

import itertools
import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import requests

from loadtests.harness.offered_load import OfferedLoad, offer
from loadtests.harness.raw_http import render_request
from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, open_tenant
from tests.databases import Databases
from tests.faults.alternating import compare, other_process
from tests.faults.http_site import http_site
from tests.gunicorn_site import GunicornSite
from tests.site import METRICS_TOKEN

THREADS, PLACES = 8, 4
"""Places of calls to the service; admission would leave it six of eight threads."""
HANGING_RATE = 40.0
"""Requests to scheduling per second."""
RATE = 60.0
PERIODS, SECONDS = 3, 4.0
"""Long enough for calls to time out, and so for the breaker to open."""


def neighbours(tenant: Tenant, host: str) -> Iterator[bytes]:
    """Yield requests to auth, billing and notifications in turn, none of which needs scheduling."""
    paths = ["/me/sessions", f"{tenant.path}/invoices", f"{tenant.path}/messages"]
    rendered = [render_request("GET", f"/api/v1{path}", host=host, headers=tenant.owner.headers) for path in paths]
    return itertools.cycle(rendered)


def ask_scheduling(port: int, request: bytes) -> None:
    offer(port, itertools.repeat(request), rate=HANGING_RATE, seconds=SECONDS + 0.3, patience=2.0)


def metric(site: GunicornSite, name: str) -> float:
    page = requests.get(f"{site.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10).text
    found = re.search(rf"^{re.escape(name)} ([0-9.]+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.row("F11")
@pytest.mark.long
@pytest.mark.alone
def test_frozen_service_leaves_the_p99_of_the_other_modules(databases: Databases, tmp_path: Path) -> None:
    calls, threads = str(PLACES), str(THREADS)
    limited = http_site(databases, tmp_path, WEB_WORKERS="1", WEB_THREADS=threads, SCHEDULING_CALLS_AT_ONCE=calls)
    with limited as (site, service):
        tenant = open_tenant(site.port, 1, ROUND_THE_CLOCK)
        usual = partial(offer, site.port, neighbours(tenant, site.host), rate=RATE, seconds=SECONDS, patience=5.0)
        usual(seed=0)
        offerings = render_request("GET", f"/api/v1{tenant.path}/offerings", host=site.host, headers={})
        with other_process(PERIODS, ask_scheduling, site.port, offerings) as clients:

            def frozen(seed: int) -> OfferedLoad:
                service.freeze()
                try:
                    clients.begin()
                    time.sleep(0.2)
                    return usual(seed=seed)
                finally:
                    service.thaw()
                    clients.wait()

            found = compare(lambda seed: usual(seed=seed), frozen, groups=PERIODS, pairs=1)
        assert metric(site, "scheduling_client_slots") == PLACES < THREADS
        assert metric(site, 'scheduling_client_refused_total{by="bulkhead"}') > 0, "all places were taken"
        assert metric(site, 'scheduling_client_refused_total{by="breaker"}') > 0, "the breaker opened"
    assert found.ratio <= 2, str(found)
