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
    from loadtests.lab.options import LabOptions

DEFAULT_ARMS = ",".join(arm for arm in ARMS if arm not in TWO_BUDGETS)
RATE = click.FloatRange(min=1, max=100_000)
SECONDS = click.FloatRange(min=5, max=3_600)
INTERRUPTED = 130
REMEDY_HELP = (
    "Add the arm M1-NAME: M1 with a custom remedy from FILE. An .sql file is run in the monolith's database; an .env "
    "file has settings of its processes, as NAME=VALUE lines. Repeatable."
)


@click.group()
def lab() -> None:
    """Measure topologies and judge whether scheduling should be extracted.

    Starts, pins and stops its own servers; a running demo is not affected. All results go into one folder, with an HTML
    report.
    """


@lab.command()
@click.option("--scenario", default="daily_peak", show_default=True, help=f"Load of the peak: {', '.join(SCENARIOS)}.")
@click.option("--arms", default=DEFAULT_ARMS, show_default=True, help="Topologies to compare; must include M1.")
@click.option("--remedy", "remedies", multiple=True, metavar="NAME=FILE", help=REMEDY_HELP)
@click.option("--blocks", type=click.IntRange(1, 100), default=5, show_default=True, help="Number of runs per arm.")
@click.option("--seconds", type=SECONDS, default=60.0, show_default=True, help="Length of the peak.")
@click.option("--idle-seconds", type=SECONDS, default=20.0, show_default=True, help="Length of the idle hour.")
@click.option("--forecast", type=RATE, help="Expected scheduling requests a second at the peak; default: R*.")
@click.option("--capacity", type=RATE, help="R*, the capacity of M1, if known; default: measure it.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the arrivals and of the order of runs.")
@click.option("--quick", is_flag=True, help="Short capacity steps and one block of idle hours; gives no verdict.")
@click.option("--out", type=click.Path(path_type=Path), help="Results folder; default: a new one in `.artifacts/lab`.")
def run(
    scenario: str, arms: str, remedies: tuple[str, ...], blocks: int, seconds: float, idle_seconds: float,
    forecast: float | None, capacity: float | None, seed: int, quick: bool, out: Path | None,
) -> None:  # fmt: skip
    """Run every arm in every block, and write the report.

    Ctrl-C keeps the completed runs and reports on them; to continue, repeat the command with --out and that folder.
    Exit codes: EXTRACT 0, DON'T EXTRACT 10, INCONCLUSIVE 20, INVALID 30; 2 when the measurement failed.
    """
    _require_locust()
    from loadtests.lab.measuring.capacity import StepLengths
    from loadtests.lab.options import LabOptions
    from loadtests.lab.planning.remedies import read_remedies

    custom = read_remedies(remedies)
    lengths = StepLengths(3.0, 3.0, 2) if quick else StepLengths(5.0, 10.0, 4)
    _measure(
        LabOptions(
            out=out or _new_folder(),
            scenario=_parse_scenario(scenario),
            arms=(*_require_baseline(_parse_arms(arms)), *custom),
            remedies=custom,
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
    from loadtests.lab.laboratory import LabFailed, run_laboratory
    from loadtests.lab.results.results_store import RESULTS_FILE

    # Shells start background jobs with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        run_laboratory(options, _print)
    except KeyboardInterrupt:
        if not (options.out / RESULTS_FILE).exists():
            raise CommandError("interrupted before anything was measured") from None
        _report_partial("interrupted", options.out)
        sys.exit(INTERRUPTED)
    except LabFailed:
        if (options.out / RESULTS_FILE).exists():
            _report_partial("failed", options.out)
        raise
    sys.exit(_report(options.out))


def _report_partial(reason: str, out: Path) -> None:
    """Report on the completed runs."""
    _print(f"{reason}: the completed runs are kept")
    try:
        _report(out)
    except OSError as error:
        _print(f"the report could not be written ({error.strerror}): `extraction lab report {out}` writes it")
    _print(f"to continue: extraction lab run --out {out}, with the same options")


@lab.command()
@click.option("--arms", default="M1", show_default=True, help="Arms to measure.")
@click.option("--seconds", type=SECONDS, default=10.0, show_default=True, help="Length of each bisection step.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the raw rows; default: a new one in `.artifacts/lab`."
)
def capacity(arms: str, seconds: float, out: Path | None) -> None:
    """Find R*, the capacity of an arm: the highest rate of scheduling requests within the SLO."""
    _require_locust()
    from loadtests.lab.laboratory import measure_capacity
    from loadtests.lab.measuring.capacity import StepLengths

    found = measure_capacity(_parse_arms(arms), StepLengths(5.0, seconds, 5), out or _new_folder(), _print)
    for arm, rate in found.items():
        click.echo(f"{arm}: R* is {rate:.0f} scheduling requests a second")


@lab.command()
@click.argument("folder", type=click.Path(path_type=Path))
def report(folder: Path) -> None:
    """Write the report of FOLDER again, from its results and raw rows, without measuring."""
    sys.exit(_report(folder))


@lab.command()
@click.argument("one", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path))
def compare(one: Path, other: Path) -> None:
    """Compare two results folders arm by arm; rejects folders measured under different conditions."""
    from loadtests.lab.results.results_store import open_results
    from loadtests.lab.verdict.comparison import NotComparable, compare_results

    try:
        for line in compare_results(open_results(one).results, open_results(other).results):
            click.echo(line)
    except NotComparable as error:
        raise CommandError(f"{one} and {other} are not comparable: {error}") from error


@lab.command()
@click.argument("words", nargs=-1)
def selftest(words: tuple[str, ...]) -> None:
    """Check that the load generator is accurate on this machine: punctual, and able to see a stall. Takes 40 s."""
    _require_locust()
    sys.stdout.flush()
    # Replace this process, since Locust must patch the sockets first.
    os.execv(sys.executable, [sys.executable, "-m", "loadtests.generator.selftest", *words])  # noqa: S606


def _report(folder: Path) -> int:
    """Write the report, print the verdict, and return its exit code."""
    from loadtests.lab.report.page import render
    from loadtests.lab.report.raw_rows import read_raw_rows
    from loadtests.lab.results.results_store import REPORT_FILE, open_results, write_atomically
    from loadtests.lab.verdict.verdict import judge_results

    found = open_results(folder)
    verdict = judge_results(found.results)
    page = render(found.results, verdict, read_raw_rows(found.path, found.results))
    write_atomically(found.path / REPORT_FILE, page.encode())
    click.echo(f"{verdict.outcome}{f' ({verdict.advice})' if verdict.advice else ''}: {verdict.because}")
    click.echo(f"the report is {found.path / REPORT_FILE}")
    return verdict.exit_code


def _parse_scenario(name: str) -> str:
    if name not in SCENARIOS:
        raise CommandError(f"unknown scenario {name!r}; available: {', '.join(SCENARIOS)}")
    return name


def _parse_arms(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if name not in ARMS:
            raise CommandError(f"unknown arm {name!r}; available: {', '.join(ARMS)}")
    if not names:
        raise CommandError(f"--arms is empty; available: {', '.join(ARMS)}")
    return names


def _require_baseline(arms: tuple[str, ...]) -> tuple[str, ...]:
    if BASELINE not in arms:
        raise CommandError(f"--arms must include {BASELINE}, the baseline of every comparison")
    return arms


def _new_folder() -> Path:
    return Path(".artifacts") / "lab" / datetime.now().astimezone().strftime("%Y-%m-%d-%H%M%S")


def _require_locust() -> None:
    missing = [name for name in ("locust", "psutil") if importlib.util.find_spec(name) is None]
    if missing:
        raise CommandError(
            f"{' and '.join(missing)} is not installed: run `make peak` once, or install deploy/requirements/load.txt"
        )


def _print(text: str) -> None:
    click.echo(text)
    sys.stdout.flush()
