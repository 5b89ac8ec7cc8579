"""Sixteen clients search one business at the limits of the API; every other business is served as usual."""

import itertools
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
import pytest

from contracts.scheduling.values import LONGEST_SEARCH_DAYS, MOST_PROVIDERS
from deploy.devstack.ports import HOST
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.cpu_time import cpu_seconds, cpu_seconds_between
from loadtests.harness.offered_load import OfferedLoad, offer
from loadtests.harness.raw_http import render_request
from loadtests.harness.saturation import saturate
from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, open_tenant
from tests.faults.alternating import compare, other_process

pytestmark = [pytest.mark.long, pytest.mark.alone]

CLIENTS = 16
GROUPS, PAIRS, SECONDS = 5, 4, 1.0
OTHERS = 3
RATE = 60.0
"""Requests per second of the other businesses together: half searches, half bookings."""
MONDAY = datetime(2035, 3, 5, tzinfo=UTC)


def start_webs(servers: BenchServers, adapter: str) -> tuple[int, dict[str, int]]:
    """Return the port of the monolith, and the process ids of the web servers."""
    servers.start_databases("monolith", "scheduling")
    two = {"WEB_WORKERS": "2"}
    if adapter == "in_process":
        monolith = servers.start_monolith(**two)
        return monolith.port, {"monolith": monolith.pid}
    service = servers.start_scheduling(**two)
    monolith = servers.start_monolith(**two, SCHEDULING_ADAPTER="http")
    return monolith.port, {"monolith": monolith.pid, "service": service.pid}


def overview(tenant: Tenant) -> bytes:
    query = {"offering_id": tenant.offering_id, "first": MONDAY.date().isoformat(), "days": LONGEST_SEARCH_DAYS}
    return request(tenant, "GET", f"overview?{urlencode(query)}")


def request(tenant: Tenant, method: str, path: str, body: object = None, **headers: str) -> bytes:
    encoded = b"" if body is None else msgspec.json.encode(body)
    where = f"/api/v1{tenant.path}/{path}"
    return render_request(method, where, host=f"{HOST}:{tenant.port}", headers=headers, body=encoded)


def usual_requests(tenant: Tenant) -> Iterator[bytes]:
    """Yield searches of a day and bookings in turn; each books another time."""
    customer = tenant.register_customer()
    for number in itertools.count():
        start = MONDAY + timedelta(minutes=15 * (number // len(tenant.providers)))
        provider = tenant.providers[number % len(tenant.providers)]
        day = {"start": start.isoformat(), "end": (start + timedelta(days=1)).isoformat()}
        yield request(tenant, "GET", f"slots?{urlencode({'offering_id': tenant.offering_id, **day})}")
        headers = {"Cookie": customer.cookie, "Idempotency-Key": uuid4().hex}
        body = tenant.booking(provider, start)
        yield request(tenant, "POST", "appointments", body, **headers)


def attack(port: int, overviews: bytes) -> None:
    saturate(port, itertools.repeat(overviews), connections=CLIENTS, seconds=SECONDS + 0.3)


@pytest.mark.parametrize("adapter", ["in_process", "http"])
def test_attack_on_one_business_leaves_the_p99_of_the_others(adapter: str) -> None:
    with running_bench_servers(Cores(None, None)) as servers:
        port, webs = start_webs(servers, adapter)
        victim = open_tenant(port, MOST_PROVIDERS, ROUND_THE_CLOCK)
        others = in_turn([usual_requests(open_tenant(port, 4, ROUND_THE_CLOCK)) for _ in range(OTHERS)])
        usual = partial(offer, port, others, rate=RATE, seconds=SECONDS, patience=10.0)
        usual(seed=0)
        with other_process(GROUPS * PAIRS, attack, port, overview(victim)) as attacker:

            def attacked(seed: int) -> OfferedLoad:
                attacker.begin()
                time.sleep(0.2)
                load = usual(seed=seed)
                attacker.wait()
                return load

            found = compare(lambda seed: usual(seed=seed), attacked, groups=GROUPS, pairs=PAIRS)
        time.sleep(0.5)
        before = cpu_seconds(webs)
        time.sleep(1.0)
        afterwards = cpu_seconds_between(before, cpu_seconds(webs))
    assert found.ratio <= 2, f"{adapter}: {found}"
    assert sum(afterwards.values()) < 0.3, "the servers compute for clients that have gone"


def in_turn(requests: Sequence[Iterator[bytes]]) -> Iterator[bytes]:
    return (next(each) for each in itertools.cycle(requests))
