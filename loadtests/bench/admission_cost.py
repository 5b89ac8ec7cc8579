"""admission_vs_threads_booking: throughput of booking with admission, relative to gunicorn's own threaded worker."""

from collections.abc import Mapping
from typing import Final

from loadtests.bench.booking import booking_requests, unused_slots
from loadtests.bench.figures import Figure, ratio_figure
from loadtests.bench.interleaving import CONNECTIONS, BlockPlan, Contender, compare_throughput
from loadtests.bench.output import echo
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.tenants import ROUND_THE_CLOCK, open_tenant

PROVIDERS: Final = 50
WITHOUT_ADMISSION: Final[Mapping[str, str]] = {"GUNICORN_CMD_ARGS": "--worker-class=gthread"}
"""Settings of a web server that replace the worker with admission by gunicorn's own."""


def measure(cores: Cores, plan: BlockPlan) -> dict[str, Figure]:
    """Alternate between two monoliths, each with its own database, below the load at which admission would refuse."""
    with running_bench_servers(cores) as admitting, running_bench_servers(cores) as plain:
        subject = _contender(admitting, "with admission", {})
        floor = _contender(plain, "gunicorn's threads", WITHOUT_ADMISSION)
        outcome = compare_throughput(subject, floor, plan, cores)
    for line in outcome.lines(subject.name, floor.name):
        echo(line)
    return {"admission_vs_threads_booking": ratio_figure(outcome.ratio)}


def _contender(servers: BenchServers, name: str, settings: Mapping[str, str]) -> Contender:
    servers.start_databases("monolith")
    product = servers.start_monolith(**settings)
    tenant = open_tenant(product.port, PROVIDERS, ROUND_THE_CLOCK)
    customers = [tenant.register_customer() for _ in range(CONNECTIONS)]
    processes = {"web": product.pid, "Postgres": servers.postgres_pid("monolith")}
    return Contender(name, product.port, booking_requests(tenant, customers, unused_slots(tenant)), 201, processes)
