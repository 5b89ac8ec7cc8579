"""`python -m loadtests.bench [WHICH]... [--quick] [--sizes N,N]`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import click

from deploy.cli.main import run_alone
from loadtests.bench import (
    admission_cost,
    booking,
    console,
    contention,
    drain,
    fence_cost,
    flood,
    follow_up,
    goodput,
    growth,
    http_overhead,
    idle,
    memory,
    office_day,
    rooms,
    search,
    several_databases,
    site_page,
    startup,
    tracing_cost,
)
from loadtests.bench.figures import Figure, format_figure, write_figures
from loadtests.bench.interleaving import BlockPlan
from loadtests.bench.output import echo
from loadtests.harness.cores import Cores, choose_cores

ARTIFACT = Path(".artifacts/bench.json")
FULL = BlockPlan(pairs=10, seconds=4.0, warm_up=3.0)
LONG = BlockPlan(pairs=15, seconds=4.0, warm_up=3.0)
"""For costs of a few percent."""
QUICK = BlockPlan(pairs=3, seconds=2.0, warm_up=1.0)

MIN_SIZE, MAX_SIZE = 1_000, 100_000_000
SIZES = (10_000, 100_000, 1_000_000)
QUICK_SIZES = (10_000, 100_000)

Measurement = Callable[[Cores, bool], dict[str, Figure]]

MEASUREMENTS: Mapping[str, Measurement] = {
    "search": lambda cores, quick: search.measure(cores, QUICK if quick else FULL),
    "booking": lambda cores, quick: booking.measure(cores, QUICK if quick else FULL),
    "contended": lambda cores, quick: contention.measure(cores, blocks=3 if quick else 8, rounds=2 if quick else 5),
    "memory": lambda cores, quick: memory.measure(cores, 10_000 if quick else 100_000),
    "http": lambda cores, quick: http_overhead.measure(cores, blocks=3 if quick else 10, calls=100 if quick else 300),
    "office": lambda cores, quick: office_day.measure(cores, calls=50 if quick else 300),
    "site": lambda cores, quick: site_page.measure(cores, blocks=3 if quick else 10, calls=50 if quick else 200),
    "followup": lambda cores, quick: follow_up.measure(cores, seconds=30.0 if quick else 300.0),
    "goodput": lambda cores, quick: goodput.measure(cores, quick, "in_process"),
    "goodput-others": lambda cores, quick: goodput.measure(cores, quick, "in_process", others=True),
    "goodput-service": lambda cores, quick: goodput.measure(cores, quick, "service"),
    "goodput-service-others": lambda cores, quick: goodput.measure(cores, quick, "service", others=True),
    "flood": flood.measure,
    "admission": lambda cores, quick: admission_cost.measure(cores, QUICK if quick else LONG),
    "fence": lambda cores, quick: fence_cost.measure(cores, QUICK if quick else LONG),
    "rooms": lambda cores, quick: rooms.measure(cores, quick),
    "idle": lambda _cores, quick: idle.measure(30.0 if quick else 120.0),
    "console": lambda _cores, quick: console.measure(pairs=2 if quick else 6, seconds=20.0 if quick else 60.0),
    "tracing": lambda cores, quick: tracing_cost.measure(cores, blocks=3 if quick else 10, calls=100 if quick else 300),
    "databases": several_databases.measure,
    "drain": drain.measure,
    "start": lambda _cores, quick: startup.measure(quick),
}


def _sizes(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Sequence[int]:
    """Parse the sizes, in ascending order. Raises click.BadParameter."""
    words = text.split(",") if text else []
    if not all(word.isascii() and word.isdigit() and MIN_SIZE <= int(word) <= MAX_SIZE for word in words):
        raise click.BadParameter(f"give comma-separated numbers from {MIN_SIZE} to {MAX_SIZE}")
    found = [int(word) for word in words]
    if len(found) == 1 or found != sorted(set(found)):
        raise click.BadParameter("give at least two sizes in ascending order")
    return found


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("which", nargs=-1, type=click.Choice([*MEASUREMENTS, "growth"]))
@click.option("--quick", is_flag=True, help="Fewer and shorter blocks, for orientation only.")
@click.option("--sizes", metavar="N,N,…", callback=_sizes, help="Numbers of appointments for growth, ascending.")
def bench(which: tuple[str, ...], quick: bool, sizes: Sequence[int]) -> None:
    """Measure the product relative to minimal baselines, on servers of its own: WHICH figures, or all.

    Prints the figures and writes them to .artifacts/bench.json. Measuring all takes about 75 minutes.
    """
    cores = choose_cores()
    echo(cores.note)
    figures: dict[str, Figure] = {}
    growth_sizes = sizes or (QUICK_SIZES if quick else SIZES)
    blocks, calls = (3, 20) if quick else (10, 40)
    measurements: dict[str, Measurement] = {
        **MEASUREMENTS,
        "growth": lambda cores, _: growth.measure(cores, growth_sizes, blocks, calls),
    }
    for name in dict.fromkeys(which or measurements):
        echo(f"\nmeasuring {name}")
        found = measurements[name](cores, quick)
        for figure in found.items():
            echo(format_figure(*figure))
        figures |= found
        write_figures(figures, ARTIFACT)
    echo(f"\nwritten to {ARTIFACT}" + (" (quick: few blocks, for orientation only)" if quick else ""))


if __name__ == "__main__":
    run_alone(bench, "python -m loadtests.bench", "bench")
