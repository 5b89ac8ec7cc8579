"""worker_memory_growth: memory of the web worker after 100,000 mixed requests, relative to that after 10,000."""

import json
import secrets
from collections.abc import Iterator
from itertools import count, cycle

import psutil

from deploy.devstack.ports import HOST
from deploy.errors import CommandError
from loadtests.bench.booking import unused_slots
from loadtests.bench.figures import Figure
from loadtests.bench.interleaving import CONNECTIONS
from loadtests.bench.output import echo
from loadtests.bench.search import SEARCHES
from loadtests.harness.bench_servers import RunningWeb, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.raw_http import render_request
from loadtests.harness.saturation import saturate
from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, open_tenant

PROVIDERS = 10
BLOCK_SECONDS = 2.0
EVERY_NTH_BOOKS = 10
EXPECTED = {200, 201, 404}


def measure(cores: Cores, requests: int) -> dict[str, Figure]:
    """Send searches of every kind, lists, pages that do not exist, and one booking in ten requests."""
    with running_bench_servers(cores) as servers:
        servers.start_databases("monolith")
        product = servers.start_monolith()
        mixed = _mixed_requests(open_tenant(product.port, PROVIDERS, ROUND_THE_CLOCK))
        with cores.generating_load():
            first = _send(product, mixed, requests // 10)
            early = _worker_bytes(product)
            _send(product, mixed, requests - first)
            late = _worker_bytes(product)
    echo(f"{'worker memory (RSS)':<24} {early / 2**20:.1f} MiB after {requests // 10:,} requests")
    echo(f"{'':<24} {late / 2**20:.1f} MiB after {requests:,} requests")
    return {"worker_memory_growth": Figure(late / early, "ratio", 1, late / early, late / early)}


def _send(product: RunningWeb, requests: Iterator[bytes], at_least: int) -> int:
    answered = 0
    while answered < at_least:
        load = saturate(product.port, requests, connections=CONNECTIONS, seconds=BLOCK_SECONDS)
        if not set(load.answers) <= EXPECTED or not load.answers:
            raise CommandError(f"mixed requests had the statuses {dict(load.answers)}; the memory figure is invalid")
        answered += load.answers.total()
    return answered


def _mixed_requests(tenant: Tenant) -> Iterator[bytes]:
    host, customer, free = f"{HOST}:{tenant.port}", tenant.register_customer(), unused_slots(tenant)
    paths = [search.path(tenant) for search in SEARCHES]
    paths += [f"{tenant.path}/offerings", f"{tenant.path}/appointments", "/businesses/does-not-exist/offerings"]
    reads = cycle([render_request("GET", "/api/v1" + path, host=host, headers=customer.headers) for path in paths])
    for number in count(1):
        if number % EVERY_NTH_BOOKS:
            yield next(reads)
            continue
        headers = {"Idempotency-Key": secrets.token_hex(16), **customer.headers}
        body = json.dumps(tenant.booking(*next(free))).encode()
        yield render_request("POST", f"/api/v1{tenant.path}/appointments", host=host, headers=headers, body=body)


def _worker_bytes(product: RunningWeb) -> int:
    """Return the resident memory of gunicorn's workers, the children of the server process."""
    workers = psutil.Process(product.pid).children()  # type: ignore[no-untyped-call]
    return sum(int(worker.memory_info().rss) for worker in workers)
