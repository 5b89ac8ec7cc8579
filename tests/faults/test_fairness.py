"""Sixteen clients search one business at the limits of the API; every other business is served as usual."""

import itertools
import multiprocessing
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Semaphore
from urllib.parse import urlencode
from uuid import uuid4

import msgspec
import pytest

from contracts.scheduling.values import LONGEST_SEARCH_DAYS, MOST_PROVIDERS
from deploy.devstack.ports import HOST
from loadtests.generator.estimates import percentile
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.cpu_time import cpu_seconds, cpu_seconds_between
from loadtests.harness.offered_load import Outcome, offer
from loadtests.harness.raw_http import render_request
from loadtests.harness.saturation import saturate
from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, open_tenant

pytestmark = pytest.mark.long

CLIENTS = 16
ROUNDS = 3
SECONDS = 5.0
"""Length of the usual and of the attacked part of a round. They alternate, so that a busy machine slows both alike."""
OTHERS = 3
RATE = 40.0
"""Requests per second of the other businesses together: half searches, half bookings."""
MONDAY = datetime(2035, 3, 5, tzinfo=UTC)
NOISE = 0.025
"""Seconds. A shorter 99th percentile depends more on the scheduler of the machine than on the servers."""


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


def attack(port: int, overviews: bytes, begin: Semaphore, ended: Semaphore) -> None:
    for _ in range(ROUNDS):
        begin.acquire()
        saturate(port, itertools.repeat(overviews), connections=CLIENTS, seconds=SECONDS + 1.0)
        ended.release()


@contextmanager
def attacker(port: int, overviews: bytes) -> Iterator[tuple[Semaphore, Semaphore]]:
    """A process that attacks once for each release of the first semaphore, and releases the second afterwards."""
    context = multiprocessing.get_context("spawn")
    begin, ended = context.Semaphore(0), context.Semaphore(0)
    process = context.Process(target=attack, args=(port, overviews, begin, ended))
    process.start()
    try:
        yield begin, ended
        process.join()
        assert process.exitcode == 0
    finally:
        process.kill()


@pytest.mark.parametrize("adapter", ["in_process", "http"])
def test_attack_on_one_business_leaves_the_p99_of_the_others(adapter: str) -> None:
    usual, attacked, idle = list[Outcome](), list[Outcome](), list[float]()
    with running_bench_servers(Cores(None, None)) as servers:
        port, webs = start_webs(servers, adapter)
        victim = open_tenant(port, MOST_PROVIDERS, ROUND_THE_CLOCK)
        others = in_turn([usual_requests(open_tenant(port, 4, ROUND_THE_CLOCK)) for _ in range(OTHERS)])
        offer(port, others, rate=RATE, seconds=2.0)
        with attacker(port, overview(victim)) as (begin, ended):
            for seed in range(ROUNDS):
                usual += offer(port, others, rate=RATE, seconds=SECONDS, patience=10.0, seed=seed).outcomes
                begin.release()
                time.sleep(0.5)
                attacked += offer(port, others, rate=RATE, seconds=SECONDS, patience=10.0, seed=seed).outcomes
                assert ended.acquire(timeout=30.0)
                before = cpu_seconds(webs)
                time.sleep(1.0)
                idle.append(sum(cpu_seconds_between(before, cpu_seconds(webs)).values()))
    found = f"{adapter}: usually {describe(usual)}; attacked {describe(attacked)}; idle afterwards {idle}"
    assert p99(attacked) <= 2 * max(p99(usual), NOISE), found
    assert min(idle) < 0.3, f"the servers compute for no client that has gone: {found}"


def in_turn(requests: Sequence[Iterator[bytes]]) -> Iterator[bytes]:
    return (next(each) for each in itertools.cycle(requests))


def p99(outcomes: Sequence[Outcome]) -> float:
    return percentile(latencies(outcomes), 0.99)


def latencies(outcomes: Sequence[Outcome]) -> list[float]:
    return [each.seconds if each.good else float("inf") for each in outcomes]


def describe(outcomes: Sequence[Outcome]) -> str:
    failed = Counter(each.status for each in outcomes if not each.good)
    median = percentile(latencies(outcomes), 0.5)
    return f"p50 {median * 1000:.1f} ms, p99 {p99(outcomes) * 1000:.1f} ms of {len(outcomes)}, failed {dict(failed)}"
