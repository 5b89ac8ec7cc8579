"""Fault 11: a frozen service occupies a bounded number of the monolith's threads, so the other modules stay fast."""

import itertools
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from loadtests.harness.offered_load import Outcome, offer
from loadtests.harness.raw_http import render_request
from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, open_tenant
from tests.databases import Databases
from tests.faults.alternating import ROUNDS, other_process, p99
from tests.faults.http_site import http_site
from tests.gunicorn_site import GunicornSite
from tests.site import METRICS_TOKEN

THREADS, PLACES = 8, 4
"""Places of calls to the service; admission would leave it six of eight threads."""
HANGING_RATE = 40.0
"""Requests to scheduling per second."""
RATE = 30.0
SECONDS = 4.0
NOISE = 0.02
"""Seconds. A shorter 99th percentile depends more on the scheduler of the machine than on the servers."""


def neighbours(tenant: Tenant, host: str) -> Iterator[bytes]:
    """Yield requests to auth, billing and notifications in turn, none of which needs scheduling."""
    paths = ["/me/sessions", f"{tenant.path}/invoices", f"{tenant.path}/messages"]
    rendered = [render_request("GET", f"/api/v1{path}", host=host, headers=tenant.owner.headers) for path in paths]
    return itertools.cycle(rendered)


def ask_scheduling(port: int, request: bytes) -> None:
    offer(port, itertools.repeat(request), rate=HANGING_RATE, seconds=SECONDS + 1.0, patience=5.0)


def metric(site: GunicornSite, name: str) -> float:
    page = requests.get(f"{site.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=10).text
    found = re.search(rf"^{re.escape(name)} ([0-9.]+)$", page, re.MULTILINE)
    return float(found[1]) if found else 0.0


@pytest.mark.row("F11")
@pytest.mark.long
def test_frozen_service_leaves_the_p99_of_the_other_modules(databases: Databases, tmp_path: Path) -> None:
    settings = {"WEB_WORKERS": "1", "WEB_THREADS": str(THREADS), "SCHEDULING_CALLS_AT_ONCE": str(PLACES)}
    usual, frozen = list[Outcome](), list[Outcome]()
    with http_site(databases, tmp_path, **settings) as (site, service):
        tenant = open_tenant(site.port, 1, ROUND_THE_CLOCK)
        of_others = neighbours(tenant, site.host)
        offer(site.port, of_others, rate=RATE, seconds=2.0)
        offerings = render_request("GET", f"/api/v1{tenant.path}/offerings", host=site.host, headers={})
        with other_process(ask_scheduling, site.port, offerings) as clients:
            for seed in range(ROUNDS):
                usual += offer(site.port, of_others, rate=RATE, seconds=SECONDS, patience=5.0, seed=seed).outcomes
                service.freeze()
                try:
                    clients.begin()
                    time.sleep(0.2)
                    frozen += offer(site.port, of_others, rate=RATE, seconds=SECONDS, patience=5.0, seed=seed).outcomes
                finally:
                    service.thaw()
                clients.wait()
        assert metric(site, "scheduling_client_slots") == PLACES < THREADS
        assert metric(site, 'scheduling_client_refused_total{by="bulkhead"}') > 0, "all places were taken"
        assert metric(site, 'scheduling_client_refused_total{by="breaker"}') > 0, "the breaker opened"
        assert p99(frozen) <= 2 * max(p99(usual), NOISE), f"{p99(usual)} s usually"
