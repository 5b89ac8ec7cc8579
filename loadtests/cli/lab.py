"""Measure topologies, and judge whether to extract."""

import importlib.util
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from deploy.errors import CommandError
from loadtests.generator.scenarios import SCENARIOS
from loadtests.lab.planning.arms import ARMS, BASELINE, TWO_BUDGETS

if TYPE_CHECKING:
    from loadtests.lab.laboratory import LabOptions

USUAL = ",".join(arm for arm in ARMS if arm not in TWO_BUDGETS)
RATE = click.FloatRange(min=1, max=100_000)
SECONDS = click.FloatRange(min=5, max=3_600)
INTERRUPTED = 130
REMEDY_WORDS = (
    "Another arm, M1-NAME: M1 with what stands in FILE. An .sql file is run in its database; an .env file has settings "
    "of its processes, NAME=VALUE. May be given more than once."
)


@click.group()
def lab() -> None:
    """Measure topologies against each other, and judge whether scheduling should be extracted.

    Starts its own servers, pins and stops them; nothing of a demo is touched. Everything it finds goes into one folder,
    with a report that opens in any browser.
    """


@lab.command()
@click.option("--scenario", default="daily_peak", show_default=True, help=f"The peak: {', '.join(SCENARIOS)}.")
@click.option("--arms", default=USUAL, show_default=True, help="The topologies to compare; M1 is the measure.")
@click.option("--remedy", "remedies", multiple=True, metavar="NAME=FILE", help=REMEDY_WORDS)
@click.option("--blocks", type=click.IntRange(1, 100), default=5, show_default=True, help="How often each arm runs.")
@click.option("--seconds", type=SECONDS, default=60.0, show_default=True, help="Length of the peak.")
@click.option("--idle-seconds", type=SECONDS, default=20.0, show_default=True, help="Length of the idle hour.")
@click.option("--forecast", type=RATE, help="Scheduling requests a second at the peak; else M1's own capacity.")
@click.option("--capacity", type=RATE, help="R*, if it is known; else it is measured.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed, the same arrivals and orders.")
@click.option("--quick", is_flag=True, help="A look, not a verdict: short steps, idle hours in the first block only.")
@click.option("--out", type=click.Path(path_type=Path), help="The folder; else a new one in `.artifacts/lab`.")
def run_laboratory(
    scenario: str, arms: str, remedies: tuple[str, ...], blocks: int, seconds: float, idle_seconds: float,
    forecast: float | None, capacity: float | None, seed: int, quick: bool, out: Path | None,
) -> None:  # fmt: skip
    """Run every arm in every block, and report.

    Ctrl-C keeps what was measured, and reports on it; the same command with --out of that folder goes on from there.
    Exit code: EXTRACT 0, DON'T EXTRACT 10, INCONCLUSIVE 20, INVALID 30; 2 when it could not be measured.
    """
    _require_locust()
    from loadtests.lab.laboratory import LabOptions
    from loadtests.lab.measuring.capacity import StepLengths
    from loadtests.lab.planning.remedies import read_remedies

    own = read_remedies(remedies)
    lengths = StepLengths(3.0, 3.0, 2) if quick else StepLengths(5.0, 10.0, 4)
    _measure(
        LabOptions(
            out=out or _new_folder(),
            scenario=_known_scenario(scenario),
            arms=(*_with_the_baseline(_known_arms(arms)), *own),
            remedies=own,
            blocks=blocks,
            seconds=seconds,
            idle_seconds=idle_seconds,
            seed=seed,
            lengths=lengths,
            forecast=forecast,
            capacity=capacity,
            quick=quick,
        )
    )


def _measure(options: "LabOptions") -> NoReturn:
    from loadtests.lab.laboratory import LabFailed
    from loadtests.lab.laboratory import run_laboratory as measure
    from loadtests.lab.results.results_store import RESULTS_FILE

    # Also for whoever runs it in the background, where shells have Ctrl-C ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        measure(options, _say)
    except KeyboardInterrupt:
        if not (options.out / RESULTS_FILE).exists():
            raise CommandError("interrupted before anything was measured") from None
        _keep("interrupted", options.out)
        sys.exit(INTERRUPTED)
    except LabFailed:
        if (options.out / RESULTS_FILE).exists():
            _keep("stopped", options.out)
        raise
    sys.exit(_report(options.out))


def _keep(how: str, out: Path) -> None:
    """Report on what there is, though not all was measured."""
    _say(f"{how}: what was measured is kept")
    try:
        _report(out)
    except OSError as error:
        _say(f"its report could not be written ({error.strerror}): `extraction lab report {out}` writes it")
    _say(f"go on with: extraction lab run --out {out}, and the same options")


@lab.command()
@click.option("--arms", default="M1", show_default=True, help="Whose capacity.")
@click.option("--seconds", type=SECONDS, default=10.0, show_default=True, help="Of each step between the bounds.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Where raw rows go; else a new folder in `.artifacts/lab`."
)
def capacity(arms: str, seconds: float, out: Path | None) -> None:
    """Find R*: how many scheduling requests a second an arm can bear before it breaks its promise."""
    _require_locust()
    from loadtests.lab.laboratory import measure_capacity
    from loadtests.lab.measuring.capacity import StepLengths

    found = measure_capacity(_known_arms(arms), StepLengths(5.0, seconds, 5), out or _new_folder(), _say)
    for arm, rate in found.items():
        click.echo(f"{arm}: R* is {rate:.0f} scheduling requests a second")


@lab.command()
@click.argument("folder", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Write FOLDER's report anew, from its results and raw rows; nothing is measured."""
    sys.exit(_report(folder))


@lab.command()
@click.argument("one", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path))
def compare_results(one: Path, other: Path) -> None:
    """Compare two folders of results, arm by arm; refuses those that are not comparable, and says why."""
    from loadtests.lab.results.results_store import open_results
    from loadtests.lab.verdict.comparison import NotComparable
    from loadtests.lab.verdict.comparison import compare_results as compared

    try:
        for line in compared(open_results(one).results, open_results(other).results):
            click.echo(line)
    except NotComparable as error:
        raise CommandError(f"{one} and {other} are not comparable: {error}") from error


@lab.command()
@click.argument("words", nargs=-1)
def selftest(words: tuple[str, ...]) -> None:
    """Whether the generator can be believed on this machine: on time, and not blind to a stall. Takes 40 seconds."""
    _require_locust()
    sys.stdout.flush()
    # Becomes the generator, whose sockets are Locust's.
    os.execv(sys.executable, [sys.executable, "-m", "loadtests.generator.selftest", *words])  # noqa: S606


def _report(folder: Path) -> int:
    """Writes the report, says the verdict, and answers its exit code."""
    from loadtests.lab.report.page import render
    from loadtests.lab.report.raw_rows import read_raw_rows
    from loadtests.lab.results.results_store import REPORT_FILE, open_results, write_atomically
    from loadtests.lab.verdict.verdict import judge_results

    kept = open_results(folder)
    verdict = judge_results(kept.results)
    page = render(kept.results, verdict, read_raw_rows(kept.path, kept.results))
    write_atomically(kept.path / REPORT_FILE, page.encode())
    click.echo(f"{verdict.outcome}{f' ({verdict.advice})' if verdict.advice else ''}: {verdict.because}")
    click.echo(f"the report is {kept.path / REPORT_FILE}")
    return verdict.exit_code


def _known_scenario(name: str) -> str:
    if name not in SCENARIOS:
        raise CommandError(f"there is no scenario {name!r}: there are {', '.join(SCENARIOS)}")
    return name


def _known_arms(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in ARMS:
            raise CommandError(f"there is no arm {name!r}: there are {', '.join(ARMS)}")
    if not names:
        raise CommandError(f"--arms names none: there are {', '.join(ARMS)}")
    return names


def _with_the_baseline(arms: tuple[str, ...]) -> tuple[str, ...]:
    if BASELINE not in arms:
        raise CommandError(f"--arms has no {BASELINE}: every other arm is measured by it")
    return arms


def _new_folder() -> Path:
    return Path(".artifacts") / "lab" / datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")


def _require_locust() -> None:
    missing = [name for name in ("locust", "psutil") if importlib.util.find_spec(name) is None]
    if missing:
        raise CommandError(
            f"{' and '.join(missing)} is not installed: run `make peak` once, or install deploy/requirements/load.txt"
        )


def _say(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()
