"""`python -m loadtests.bench.cutover [--quick]`: the cost of cutovers, replication and fencing."""

import time
from pathlib import Path

import click

from contracts.scheduling.values import DatabaseName
from deploy.cli.main import run_alone
from loadtests.bench import fence_cost, initial_copy
from loadtests.bench.cutover_pauses import cut_over_repeatedly, measure_capacity, summarize_cutovers
from loadtests.bench.figures import Figure, format_figure, ratio_figure, write_figures
from loadtests.bench.interleaving import BlockPlan
from loadtests.bench.output import echo
from loadtests.generator.estimates import ratio
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores, choose_cores
from loadtests.harness.cpu_time import cpu_seconds, cpu_seconds_between, format_cpu_per_request
from loadtests.harness.cutovers import cut_over_to_other, cutover_databases, unguarded_controller
from loadtests.harness.tenants import SeededTenant, open_seeded_tenant, seed_businesses
from loadtests.harness.traffic.processes import running_traffic, traffic_plans
from monolith.cutover import replication

ARTIFACT = Path(".artifacts/bench-cutover.json")
APPOINTMENTS = 100_000
QUICK_APPOINTMENTS = 10_000
_BOTH_OWNERS: tuple[DatabaseName, ...] = ("monolith", "scheduling")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="A small business and fewer cutovers, for orientation only.")
@click.option("--each-way", type=click.IntRange(1), default=None, help="Moves in each direction: 40 unless --quick.")
def bench(quick: bool, each_way: int | None) -> None:
    """Measure cutovers under load, the initial copy and the cost of the fence, on servers of its own.

    Prints the figures and writes them to .artifacts/bench-cutover.json. Takes about 20 minutes; a quarter of that goes
    into comparing the whole business in each cutover. `make faults` tests that 200 cutovers each way fail no request.
    """
    cores = choose_cores()
    echo(cores.note)
    figures: dict[str, Figure] = {}
    with running_bench_servers(cores) as servers:
        figures |= _measure_cutovers(
            servers, cores, QUICK_APPOINTMENTS if quick else APPOINTMENTS, each_way or (10 if quick else 40)
        )
    figures |= fence_cost.measure(cores, BlockPlan(3, 2.0, 1.0) if quick else BlockPlan(10, 4.0, 3.0))
    for figure in figures.items():
        echo(format_figure(*figure))
    write_figures(figures, ARTIFACT)
    echo(f"\nwritten to {ARTIFACT}" + (" (quick: for orientation only)" if quick else ""))


def _measure_cutovers(servers: BenchServers, cores: Cores, appointments: int, each_way: int) -> dict[str, Figure]:
    servers.start_databases("monolith", "scheduling")
    [business] = seed_businesses(servers, 1, appointments)
    servers.start_scheduling()
    port = servers.start_monolith().port
    tenant = open_seeded_tenant(port, business)
    rate = _half_of_capacity(servers, cores, port, tenant)
    echo(f"{'half of capacity':<28} {rate:.0f} requests/s, of which 30 % are writes")
    figures = _measure_replication_cost(servers, cores, port, tenant, rate)
    figures |= initial_copy.measure(servers, pairs=2 if appointments < APPOINTMENTS else 4)
    cutovers, records, report = cut_over_repeatedly(servers, cores, port, tenant, each_way=each_way, rate=rate)
    for problem in (*report.lost[:5], *report.duplicated[:5], *report.unasked[:5]):
        echo(f"! {problem}")
    return figures | summarize_cutovers(cutovers, records, report)


def _half_of_capacity(servers: BenchServers, cores: Cores, port: int, tenant: SeededTenant) -> float:
    """Return half the capacity of the slower adapter: HTTP, where two web servers share the core."""
    databases = cutover_databases(servers)
    replication.start(databases.extraction, lambda progress: None)
    with unguarded_controller(databases) as controller:
        found = []
        for source in _BOTH_OWNERS:
            cut_over_to_other(
                controller,
                tenant.business.business_id,
                source,
                fence_seconds=10.0,
                actor="bench",
                reason="to measure",
            )
            with cores.generating_load():
                found.append(measure_capacity(port, tenant, 2.0))
    replication.stop(databases.extraction)
    return min(found) / 2


def _measure_replication_cost(
    servers: BenchServers, cores: Cores, port: int, tenant: SeededTenant, rate: float
) -> dict[str, Figure]:
    """Compare the source Postgres' processor time per request with and without replication, at half of capacity."""
    processes = {"Postgres": servers.postgres_pid("monolith")}
    costs = []
    for number in range(3):
        pair = []
        for replicated in (True, False):
            initial_copy.empty_target(servers)
            if replicated:
                replication.start(cutover_databases(servers).extraction, lambda progress: None)
            plans = traffic_plans(port, tenant, rate, tenant.slots_for(1)[number::3], processes=1)
            with cores.generating_load(), running_traffic(plans, servers.folder / f"cost-{number}") as traffic:
                before = cpu_seconds(processes)
                time.sleep(6.0)
                used = cpu_seconds_between(before, cpu_seconds(processes))
            pair.append(sum(used.values()) / max(1, len(traffic.records)))
            cost = format_cpu_per_request([used], len(traffic.records))
            echo(f"{'with' if replicated else 'without'} replication: {cost}")
        costs.append((pair[0], pair[1]))
    return {"replication_cost_on_source": ratio_figure(ratio(costs))}


if __name__ == "__main__":
    run_alone(bench, "python -m loadtests.bench.cutover", "bench")
