"""worker_memory_growth: what a worker weighs after 100,000 mixed requests, by what it weighed after the first tenth."""

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
from loadtests.harness.saturation import render_request, saturate
from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, open_tenant

PROVIDERS = 10
BLOCK_SECONDS = 2.0
EVERY_NTH_BOOKS = 10
EXPECTED = {200, 201, 404}


def measure(cores: Cores, requests: int) -> dict[str, Figure]:
    """Searches of every kind, lists, pages that do not exist, and a booking in ten."""
    with running_bench_servers(cores) as servers:
        servers.start_databases("monolith")
        product = servers.start_monolith()
        mixed = _mixed(open_tenant(product.port, PROVIDERS, ROUND_THE_CLOCK))
        with cores.for_generator():
            first = _ask(product, mixed, requests // 10)
            early = _worker_bytes(product)
            _ask(product, mixed, requests - first)
            late = _worker_bytes(product)
    echo(f"{'a worker weighs':<24} {early / 2**20:.1f} MiB after {requests // 10:,} requests")
    echo(f"{'':<24} {late / 2**20:.1f} MiB after {requests:,} requests")
    return {"worker_memory_growth": Figure(late / early, "ratio", 1, late / early, late / early)}


def _ask(product: RunningWeb, requests: Iterator[bytes], least: int) -> int:
    answered = 0
    while answered < least:
        load = saturate(product.port, requests, connections=CONNECTIONS, seconds=BLOCK_SECONDS)
        if not set(load.answers) <= EXPECTED or not load.answers:
            raise CommandError(f"mixed requests were answered {dict(load.answers)}: their weight means nothing")
        answered += load.answers.total()
    return answered


def _mixed(tenant: Tenant) -> Iterator[bytes]:
    host, customer, free = f"{HOST}:{tenant.port}", tenant.customer(), unused_slots(tenant)
    paths = [search.path(tenant) for search in SEARCHES]
    paths += [f"{tenant.path}/offerings", f"{tenant.path}/appointments", "/businesses/nobody-has-this/offerings"]
    reads = cycle([render_request("GET", "/api/v1" + path, host=host, headers=customer.cookie) for path in paths])
    for number in count(1):
        if number % EVERY_NTH_BOOKS:
            yield next(reads)
            continue
        provider_id, starts_at = next(free)
        asked = {"offering_id": tenant.offering_id, "provider_id": provider_id, "starts_at": starts_at.isoformat()}
        headers = {"Idempotency-Key": secrets.token_hex(16), **customer.cookie}
        body = json.dumps(asked).encode()
        yield render_request("POST", f"/api/v1{tenant.path}/appointments", host=host, headers=headers, body=body)


def _worker_bytes(product: RunningWeb) -> int:
    """Of the workers, of which the server is the parent."""
    workers = psutil.Process(product.pid).children()  # type: ignore[no-untyped-call]
    return sum(int(worker.memory_info().rss) for worker in workers)
