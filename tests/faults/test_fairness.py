"""Sixteen clients search one business at the limits of the API; every other business is served as usual."""

import itertools
import multiprocessing
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
import pytest

from contracts.scheduling.values import LONGEST_SEARCH_DAYS, MOST_PROVIDERS
from deploy.devstack.ports import HOST
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.offered_load import OfferedLoad, offer
from loadtests.harness.raw_http import render_request
from loadtests.harness.saturation import saturate
from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, open_tenant

pytestmark = pytest.mark.long

CLIENTS = 16
SECONDS = 10.0
OTHERS = 3
RATE = 30.0
"""Requests per second of the other businesses together: half searches, half bookings."""
MONDAY = datetime(2035, 3, 5, tzinfo=UTC)
USUAL = 0.05
"""Seconds. Latencies below it do not matter to anybody, and are noise on a shared machine."""


def start_web(servers: BenchServers, adapter: str) -> int:
    servers.start_databases("monolith", "scheduling")
    two = {"WEB_WORKERS": "2"}
    if adapter == "in_process":
        return servers.start_monolith(**two).port
    servers.start_scheduling(**two)
    return servers.start_monolith(**two, SCHEDULING_ADAPTER="http").port


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


def attack(port: int, overviews: bytes, seconds: float) -> None:
    saturate(port, itertools.repeat(overviews), connections=CLIENTS, seconds=seconds)


@pytest.mark.parametrize("adapter", ["in_process", "http"])
def test_attack_on_one_business_leaves_the_p99_of_the_others(adapter: str) -> None:
    with running_bench_servers(Cores(None, None)) as servers:
        port = start_web(servers, adapter)
        attacked = open_tenant(port, MOST_PROVIDERS, ROUND_THE_CLOCK)
        others = in_turn([usual_requests(open_tenant(port, 4, ROUND_THE_CLOCK)) for _ in range(OTHERS)])
        offer(port, others, rate=RATE, seconds=2.0)
        quiet = offer(port, others, rate=RATE, seconds=SECONDS, patience=10.0)
        attacker = multiprocessing.get_context("spawn").Process(
            target=attack, args=(port, overview(attacked), SECONDS + 4.0)
        )
        attacker.start()
        try:
            offer(port, others, rate=RATE, seconds=3.0)
            under_attack = offer(port, others, rate=RATE, seconds=SECONDS, patience=10.0)
        finally:
            attacker.join()
        afterwards = offer(port, others, rate=RATE, seconds=2.0, patience=10.0)
    assert attacker.exitcode == 0
    found = f"{adapter}: usually {describe(quiet)}; attacked {describe(under_attack)}; then {describe(afterwards)}"
    limit = 2 * max(quiet.latency(0.99), USUAL)
    assert under_attack.latency(0.99) <= limit, found
    assert afterwards.latency(0.99) <= limit, f"no computation outlives its caller; {found}"


def in_turn(requests: Sequence[Iterator[bytes]]) -> Iterator[bytes]:
    return (next(each) for each in itertools.cycle(requests))


def describe(load: OfferedLoad) -> str:
    failed = Counter(each.status for each in load.outcomes if not each.good)
    times = f"p50 {load.latency(0.5) * 1000:.1f} ms, p99 {load.latency(0.99) * 1000:.1f} ms"
    return f"{times} of {len(load.outcomes)}, failed {dict(failed)}"
