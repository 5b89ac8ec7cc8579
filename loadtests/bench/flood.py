"""flood_p99_auth, flood_p99_billing: latency of the other modules while the extracted scheduling is flooded.

The service and its database have a processor core of their own, as on a machine of their own: the generator's, which
they may use as far as the generator leaves it to them. The monolith has one web process, since it has one core: several
processes on a core take turns there for milliseconds each, with or without a flood of scheduling.
"""

import multiprocessing
import os
from collections import Counter
from collections.abc import Sequence
from itertools import cycle
from typing import Final

from deploy.devstack.ports import HOST
from deploy.errors import CommandError
from loadtests.bench.figures import Figure
from loadtests.bench.goodput import search_requests
from loadtests.bench.output import echo
from loadtests.generator.estimates import percentile
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.offered_load import Outcome, offer
from loadtests.harness.process_tree import process_tree
from loadtests.harness.raw_http import render_request
from loadtests.harness.saturation import saturate
from loadtests.harness.tenants import OFFICE_HOURS, Tenant, open_tenant

FLOOD: Final = 3.0
"""Searches offered, relative to what the service can do."""
MODULES: Final = ("auth", "billing")
RATE: Final = 40.0
"""Requests per second of both modules together."""
ROUNDS: Final = 3
_LOWEST_PRIORITY: Final = 19


def measure(cores: Cores, quick: bool) -> dict[str, Figure]:
    """Alternate between rounds without other load and rounds with the flood."""
    seconds = 4.0 if quick else 20.0
    with running_bench_servers(cores) as servers:
        port = _start(servers, cores)
        tenant = open_tenant(port, 1, OFFICE_HOURS)
        requests, searches = _requests(tenant), search_requests(port)
        with cores.generating_load():
            reached = saturate(port, searches, connections=16, seconds=3.0)
            capacity = reached.answers[200] / reached.seconds
            echo(f"the service answers {capacity:.0f} searches/s; the flood has {FLOOD * capacity:.0f}/s")
            idle, flooded = list[Outcome](), list[Outcome]()
            offer(port, cycle(requests), rate=RATE, seconds=2.0)
            for seed in range(ROUNDS):
                idle += offer(port, cycle(requests), rate=RATE, seconds=seconds, patience=5.0, seed=seed).outcomes
                flood = multiprocessing.get_context("spawn").Process(
                    target=_flood, args=(port, [next(searches) for _ in range(8)], FLOOD * capacity, seconds + 3.0)
                )
                flood.start()
                offer(port, cycle(requests), rate=RATE, seconds=2.0)
                flooded += offer(port, cycle(requests), rate=RATE, seconds=seconds, patience=5.0, seed=seed).outcomes
                flood.join()
                if flood.exitcode != 0:
                    raise CommandError("the flood ended early")
    return {f"flood_p99_{module}": _figure(module, idle[n::2], flooded[n::2]) for n, module in enumerate(MODULES)}


def _start(servers: BenchServers, cores: Cores) -> int:
    servers.start_databases("monolith", "scheduling")
    service = servers.start_scheduling()
    monolith = servers.start_monolith(SCHEDULING_ADAPTER="http")
    apart = [service.pid, servers.postgres_pid("scheduling")]
    Cores(cores.generator, cores.generator).pin_servers(apart)
    for process in (each for pid in apart for each in process_tree(pid)):
        for thread in process.threads():  # type: ignore[no-untyped-call]
            os.setpriority(os.PRIO_PROCESS, thread.id, _LOWEST_PRIORITY)
    return monolith.port


def _requests(tenant: Tenant) -> Sequence[bytes]:
    """Return a request to each of the `MODULES`."""
    paths = ("/me/sessions", f"{tenant.path}/invoices")
    host = f"{HOST}:{tenant.port}"
    return [render_request("GET", f"/api/v1{path}", host=host, headers=tenant.owner.headers) for path in paths]


def _flood(port: int, requests: Sequence[bytes], rate: float, seconds: float) -> None:
    load = offer(port, cycle(requests), rate=rate, seconds=seconds)
    echo(f"flood: {load.goodput:.0f}/s of {rate:.0f}/s answered in time")


def _figure(module: str, idle: Sequence[Outcome], flooded: Sequence[Outcome]) -> Figure:
    p99 = [
        percentile([each.seconds if each.good else float("inf") for each in outcomes], 0.99)
        for outcomes in (idle, flooded)
    ]
    failed = Counter(each.status for each in flooded if not each.good)
    echo(
        f"{module:<10} p99 {p99[0] * 1000:.1f} ms without other load, {p99[1] * 1000:.1f} ms during the flood"
        + (f", failed {dict(failed)}" if failed else "")
    )
    value = p99[1] / p99[0]
    return Figure(value, "ratio", len(idle), value, value)
