"""`python -m deploy.bench [search|booking|http|start]... [--quick]`."""

import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from deploy.bench import booking, hop, search, starting
from deploy.bench.cores import Cores, choose_cores
from deploy.bench.figures import Figure, in_words, write
from deploy.bench.output import say
from deploy.bench.pairs import Plan
from deploy.cli.main import EXIT_WRONG_USE, one_line
from deploy.errors import SurroundingsError

ARTIFACT = Path(".artifacts/bench.json")
FULL = Plan(pairs=10, seconds=4.0, warm_up=3.0)
QUICK = Plan(pairs=3, seconds=2.0, warm_up=1.0)

Measurement = Callable[[Cores, bool], dict[str, Figure]]

MEASUREMENTS: Mapping[str, Measurement] = {
    "search": lambda cores, quick: search.measure(cores, QUICK if quick else FULL),
    "booking": lambda cores, quick: booking.measure(cores, QUICK if quick else FULL),
    "http": lambda cores, quick: hop.measure(cores, blocks=3 if quick else 10, calls=100 if quick else 300),
    "start": lambda _cores, quick: starting.measure(quick),
}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("which", nargs=-1, type=click.Choice(list(MEASUREMENTS)))
@click.option("--quick", is_flag=True, help="Few and short blocks: a look, not a figure to quote.")
def bench(which: tuple[str, ...], quick: bool) -> None:
    """Measure the product against bare floors, on servers of its own; all of it, or what WHICH names.

    Prints the figures and writes them to .artifacts/bench.json. Takes about 5 minutes.
    """
    cores = choose_cores()
    say(cores.note)
    figures: dict[str, Figure] = {}
    for name in dict.fromkeys(which or MEASUREMENTS):
        say(f"\nmeasuring {name}")
        found = MEASUREMENTS[name](cores, quick)
        for figure in found.items():
            say(in_words(*figure))
        figures |= found
        write(figures, ARTIFACT)
    say(f"\nwritten to {ARTIFACT}" + (" (a quick look: few blocks)" if quick else ""))


def main() -> None:
    """What the user can mend is one line and exit code 2. Ctrl-C and SIGTERM stop the servers first."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        bench(prog_name="python -m deploy.bench")
    except (SurroundingsError, OSError) as error:
        click.echo(f"bench: {one_line(error)}", err=True)
        sys.exit(EXIT_WRONG_USE)


if __name__ == "__main__":
    main()
