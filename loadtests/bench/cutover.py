"""`python -m loadtests.bench.cutover [--quick]`: what moves cost those who use a business, and being able to."""

import time

import click

from deploy.cli.main import run_alone
from deploy.errors import CommandError
from loadtests.bench import fence_cost, initial_copy
from loadtests.bench.cutover_pauses import (
    APPOINTMENTS,
    ARTIFACT,
    SeededTenant,
    cutover_databases,
    measure_capacity,
    move_back_and_forth,
    open_seeded_tenant,
    seed_business,
    summarize_moves,
    traffic_plans,
)
from loadtests.bench.figures import Figure, format_figure, ratio_figure, write_figures
from loadtests.bench.interleaving import BlockPlan
from loadtests.bench.output import echo
from loadtests.generator.estimates import ratio
from loadtests.harness.bench_servers import BenchServers, running_bench_servers
from loadtests.harness.cores import Cores, choose_cores
from loadtests.harness.cpu_time import cpu_seconds, cpu_seconds_between, format_cpu_per_request
from loadtests.harness.traffic.processes import running_traffic
from monolith.cutover import replication
from monolith.cutover.controller import Controller
from monolith.cutover.preflight import PreflightChecks

QUICK_APPOINTMENTS = 10_000


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--quick", is_flag=True, help="A small business and few moves: a look, not a figure to quote.")
@click.option("--each-way", type=click.IntRange(1), default=None, help="How many moves; 40 unless --quick.")
def bench(quick: bool, each_way: int | None) -> None:
    """Measure moves under load, the first copy, and what the fence costs; on servers of its own.

    Prints the figures and writes them to .artifacts/bench-cutover.json. Takes some twenty minutes: each move compares
    the whole business, for a quarter of the time. That 200 moves each way fail nobody is a test, of `make faults`.
    """
    cores = choose_cores()
    echo(cores.note)
    figures: dict[str, Figure] = {}
    with running_bench_servers(cores) as servers:
        figures |= _moves(
            servers, cores, QUICK_APPOINTMENTS if quick else APPOINTMENTS, each_way or (10 if quick else 40)
        )
    figures |= fence_cost.measure(cores, BlockPlan(3, 2.0, 1.0) if quick else BlockPlan(10, 4.0, 3.0))
    for figure in figures.items():
        echo(format_figure(*figure))
    write_figures(figures, ARTIFACT)
    echo(f"\nwritten to {ARTIFACT}" + (" (a quick look)" if quick else ""))


def _moves(servers: BenchServers, cores: Cores, appointments: int, each_way: int) -> dict[str, Figure]:
    servers.start_databases("monolith", "scheduling")
    business = seed_business(servers, appointments)
    servers.start_scheduling()
    port = servers.start_monolith().port
    tenant = open_seeded_tenant(port, business)
    rate = _half_of_capacity(servers, cores, port, tenant)
    echo(f"{'half of capacity':<28} {rate:.0f} requests/s, of which 30 % are writes")
    figures = _replication_cost(servers, cores, port, tenant, rate)
    figures |= initial_copy.measure(servers, pairs=2 if appointments < APPOINTMENTS else 4)
    moves, records, verdict = move_back_and_forth(servers, cores, port, tenant, each_way=each_way, rate=rate)
    for words in (*verdict.lost[:5], *verdict.duplicated[:5], *verdict.unasked[:5]):
        echo(f"! {words}")
    return figures | summarize_moves(moves, records, verdict)


def _half_of_capacity(servers: BenchServers, cores: Cores, port: int, tenant: SeededTenant) -> float:
    """Of the slower of the two ways: the service's, where two webs share the core."""
    sides = cutover_databases(servers)
    replication.start(sides, lambda progress: None)
    with Controller(sides, PreflightChecks(sides, lambda side: None)) as controller:
        found = []
        for source, target in (("monolith", "scheduling"), ("scheduling", "monolith")):
            move = controller.cut_over(
                tenant.business.business_id,
                source,  # type: ignore[arg-type]
                target,  # type: ignore[arg-type]
                fence_seconds=10.0,
                actor="bench",
                reason="to measure",
            )
            if move.state != "active":
                raise CommandError(f"a move to {target} was refused: {move.problem}")
            with cores.for_generator():
                found.append(measure_capacity(port, tenant, 2.0))
    replication.stop(sides)
    return min(found) / 2


def _replication_cost(
    servers: BenchServers, cores: Cores, port: int, tenant: SeededTenant, rate: float
) -> dict[str, Figure]:
    """Processor time of the source's Postgres a request, with replication by without, at half of capacity."""
    processes = {"Postgres": servers.postgres_pid("monolith")}
    costs = []
    for number in range(3):
        pair = []
        for replicated in (True, False):
            initial_copy.empty(servers)
            if replicated:
                replication.start(cutover_databases(servers), lambda progress: None)
            plans = traffic_plans(port, tenant, rate, tenant.part(1)[number::3], processes=1)
            with cores.for_generator(), running_traffic(plans, servers.folder / f"cost-{number}") as traffic:
                before = cpu_seconds(processes)
                time.sleep(6.0)
                used = cpu_seconds_between(before, cpu_seconds(processes))
            pair.append(sum(used.values()) / max(1, len(traffic.records)))
            cpu = format_cpu_per_request([used], len(traffic.records))
            echo(f"{'with' if replicated else 'without'} replication: {cpu}")
        costs.append((pair[0], pair[1]))
    return {"replication_cost_on_source": ratio_figure(ratio(costs))}


if __name__ == "__main__":
    run_alone(bench, "python -m loadtests.bench.cutover", "bench")
