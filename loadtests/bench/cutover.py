"""`python -m loadtests.bench.cutover [--quick]`: what moves cost those who use a business, and being able to."""

import time

import click

from deploy.cli.main import run_alone
from deploy.errors import SurroundingsError
from loadtests.bench import fence_cost, initial_copy
from loadtests.bench.cutover_pauses import (
    APPOINTMENTS,
    ARTIFACT,
    Salon,
    capacity,
    figures_of,
    fill,
    salon,
    sides_of,
    to_and_fro,
    traffic_plans,
)
from loadtests.bench.figures import Figure, in_words, of_ratio, write
from loadtests.bench.interleaving import Plan
from loadtests.bench.output import say
from loadtests.generator.estimates import ratio
from loadtests.harness.bench_servers import Stand, stand
from loadtests.harness.cores import Cores, choose_cores
from loadtests.harness.cpu_time import in_words as spending_in_words
from loadtests.harness.cpu_time import since, spent
from loadtests.harness.traffic.processes import running_traffic
from monolith.cutover import replication
from monolith.cutover.controller import Controller
from monolith.cutover.guards import Guards

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
    say(cores.note)
    figures: dict[str, Figure] = {}
    with stand(cores) as servers:
        figures |= _moves(
            servers, cores, QUICK_APPOINTMENTS if quick else APPOINTMENTS, each_way or (10 if quick else 40)
        )
    figures |= fence_cost.measure(cores, Plan(3, 2.0, 1.0) if quick else Plan(10, 4.0, 3.0))
    for figure in figures.items():
        say(in_words(*figure))
    write(figures, ARTIFACT)
    say(f"\nwritten to {ARTIFACT}" + (" (a quick look)" if quick else ""))


def _moves(servers: Stand, cores: Cores, appointments: int, each_way: int) -> dict[str, Figure]:
    servers.start_databases("monolith", "scheduling")
    business = fill(servers, appointments)
    servers.start_scheduling()
    port = servers.start_monolith().port
    open_for_business = salon(port, business)
    rate = _half_of_capacity(servers, cores, port, open_for_business)
    say(f"{'half of capacity':<28} {rate:.0f} requests/s, of which 30 % are writes")
    figures = _replication_cost(servers, cores, port, open_for_business, rate)
    figures |= initial_copy.measure(servers, pairs=2 if appointments < APPOINTMENTS else 4)
    moves, records, verdict = to_and_fro(servers, cores, port, open_for_business, each_way=each_way, rate=rate)
    for words in (*verdict.lost[:5], *verdict.duplicated[:5], *verdict.unasked[:5]):
        say(f"! {words}")
    return figures | figures_of(moves, records, verdict)


def _half_of_capacity(servers: Stand, cores: Cores, port: int, salon: Salon) -> float:
    """Of the slower of the two ways: the service's, where two webs share the core."""
    sides = sides_of(servers)
    replication.start(sides, lambda progress: None)
    with Controller(sides, Guards(sides, lambda side: None)) as controller:
        found = []
        for source, target in (("in_process", "http"), ("http", "in_process")):
            move = controller.move(
                salon.business.business_id,
                source,  # type: ignore[arg-type]
                target,  # type: ignore[arg-type]
                fence_seconds=10.0,
                actor="bench",
                reason="to measure",
            )
            if move.state != "active":
                raise SurroundingsError(f"a move to {target} was refused: {move.problem}")
            with cores.for_generator():
                found.append(capacity(port, salon, 2.0))
    replication.stop(sides)
    return min(found) / 2


def _replication_cost(servers: Stand, cores: Cores, port: int, salon: Salon, rate: float) -> dict[str, Figure]:
    """Processor time of the source's Postgres a request, with replication by without, at half of capacity."""
    processes = {"Postgres": servers.postgres_pid("monolith")}
    costs = []
    for number in range(3):
        pair = []
        for replicated in (True, False):
            initial_copy.empty(servers)
            if replicated:
                replication.start(sides_of(servers), lambda progress: None)
            plans = traffic_plans(port, salon, rate, salon.part(1)[number::3], processes=1)
            with cores.for_generator(), running_traffic(plans, servers.folder / f"cost-{number}") as traffic:
                before = spent(processes)
                time.sleep(6.0)
                used = since(before, spent(processes))
            pair.append(sum(used.values()) / max(1, len(traffic.records)))
            say(f"{'with' if replicated else 'without'} replication: {spending_in_words([used], len(traffic.records))}")
        costs.append((pair[0], pair[1]))
    return {"replication_cost_on_source": of_ratio(ratio(costs))}


if __name__ == "__main__":
    run_alone(bench, "python -m loadtests.bench.cutover", "bench")
