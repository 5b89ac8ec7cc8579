"""Measure topologies, and judge whether to extract."""

import importlib.util
import os
import signal
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from deploy.cli.options import NumberRange
from deploy.errors import CommandError
from loadtests.lab.planning.arms import ARMS, BASELINE
from loadtests.lab.planning.scenario import find_scenario_file, read_scenario, scenario_names

if TYPE_CHECKING:
    from loadtests.lab.options import LabOptions

RATE = NumberRange(min=0.1, max=100_000)
SCENARIO_HELP = f"A registered scenario ({', '.join(scenario_names())}), or a .toml file."
INTERRUPTED = 130
OUTCOME_CODES = {"EXTRACT": 0, "DON'T EXTRACT": 10}
JUNIT = click.option("--junit", type=click.Path(path_type=Path), help="Write the gates as JUnit XML to this file.")
TARGET_HELP = "A system that already runs, by name and address: compare these instead of arms, as a map. Repeatable."
FAULTS_HELP = "Then also measure who is not served while each part of each arm fails or is deployed: 4 minutes an arm."
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
@click.option("--scenario", default="founder", show_default=True, help=SCENARIO_HELP)
@click.option("--arms", help="Topologies to compare, separated by commas; must include M1. Default: the scenario's.")
@click.option("--remedy", "remedies", multiple=True, metavar="NAME=FILE", help=REMEDY_HELP)
@click.option(
    "--forecast", type=RATE, help="Another expected peak than the scenario's, in scheduling arrivals a second."
)
@click.option("--blocks", type=click.IntRange(1, 100), default=8, show_default=True, help="Largest number of blocks.")
@click.option("--seed", type=int, default=1, show_default=True, help="Seed of the arrivals and of the order.")
@click.option("--quick", is_flag=True, help="One short search for each arm: a map of capacities, no verdict.")
@click.option("--map", "map_only", is_flag=True, help="Measure all blocks for a map of capacities, without a verdict.")
@click.option("--faults", is_flag=True, help=FAULTS_HELP)
@click.option("--target", "targets", multiple=True, metavar="NAME=URL", help=TARGET_HELP)
@click.option("--out", type=click.Path(path_type=Path), help="Results folder; default: a new one in `.artifacts/lab`.")
@JUNIT
def run(
    scenario: str, arms: str | None, remedies: tuple[str, ...], forecast: float | None, blocks: int, seed: int,
    quick: bool, map_only: bool, faults: bool, targets: tuple[str, ...], out: Path | None, junit: Path | None,
) -> None:  # fmt: skip
    """Measure the capacity of every arm, judge the scenario's forecast, and write the report.

    Ctrl-C keeps the completed trials and reports on them; to continue, repeat the command with --out and that folder.
    Exit codes: EXTRACT 0, DON'T EXTRACT 10, INCONCLUSIVE 20, INVALID 30, NO VERDICT (a map only) 40; 2 when the
    measurement failed.
    """
    _require_locust()
    from loadtests.lab.laboratory import available_arms
    from loadtests.lab.measuring.targets import parse_targets
    from loadtests.lab.options import LabOptions
    from loadtests.lab.planning.remedies import read_remedies

    registered = _parse_arms(",".join(read_scenario(scenario).arms or available_arms()))
    custom, systems = read_remedies(remedies), parse_targets(targets)
    if systems and (arms or remedies):
        raise CommandError("--target compares systems that already run: leave out --arms and --remedy")
    chosen = tuple(systems) or _require_baseline(registered if arms is None else _parse_arms(arms))
    options = LabOptions(
        out=out or _new_folder(),
        scenario=find_scenario_file(scenario).read_text(encoding="utf-8"),
        arms=(*chosen, *custom),
        remedies=custom,
        targets=systems,
        blocks=1 if quick else blocks,
        seed=seed,
        forecast=forecast,
        quick=quick,
        map_only=map_only,
        faults=faults,
    )
    _measure(options, junit)


def _measure(options: "LabOptions", junit: Path | None) -> NoReturn:
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
    sys.exit(_report(options.out, junit))


def _report_partial(reason: str, out: Path) -> None:
    """Report on the completed trials."""
    _print(f"{reason}: the completed trials are kept")
    try:
        _report(out)
    except OSError as error:
        _print(f"the report could not be written ({error.strerror}): `extraction lab report {out}` writes it")
    _print(f"to continue: extraction lab run --out {out}, with the same options")


@lab.command()
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the results; default: a new one in `.artifacts/lab`."
)
def verdicts(out: Path | None) -> None:
    """Measure every registered scenario, and compare each answer with the expected one.

    A scenario whose results are in its folder is continued. Exit codes: 0, or 1 when an answer differs from the
    expected one.
    """
    folder, differing = out or _new_folder(), []
    for name in scenario_names():
        click.echo(f"== {name}")
        done = subprocess.run([sys.executable, "-m", "deploy.cli.main", *_verdict_command(name, folder)], check=False)
        if done.returncode == INTERRUPTED:
            sys.exit(INTERRUPTED)
        expected = read_scenario(name).expected
        if expected is not None and done.returncode != OUTCOME_CODES[expected.outcome]:
            differing.append(name)
    click.echo(f"differs from the expected answer: {', '.join(differing)}" if differing else "all answers as expected")
    sys.exit(1 if differing else 0)


def _verdict_command(scenario: str, folder: Path) -> list[str]:
    return ["lab", "run", "--scenario", scenario, "--out", str(folder / scenario)]


@lab.command()
@click.argument("folder", type=click.Path(path_type=Path))
@JUNIT
def report(folder: Path, junit: Path | None) -> None:
    """Write the report of FOLDER again, from its results, without measuring. Exit codes: those of `lab run`."""
    sys.exit(_report(folder, junit))


@lab.command()
@click.argument("one", type=click.Path(path_type=Path))
@click.argument("other", type=click.Path(path_type=Path))
def compare(one: Path, other: Path) -> None:
    """Compare the capacities of two results folders arm by arm; ONE is the standard, OTHER the change.

    Exit codes: 0, or 1 when the capacity of an arm is lower in OTHER, or 2 when they were measured under different
    conditions. The product's commits may differ.
    """
    from loadtests.lab.results.results_store import open_results
    from loadtests.lab.verdict.comparison import NotComparable, compare_results, describe_commits

    first, second = open_results(one).results, open_results(other).results
    try:
        changes = list(compare_results(first, second))
    except NotComparable as error:
        raise CommandError(f"{one} and {other} are not comparable: {error}") from error
    click.echo(describe_commits(first.conditions, second.conditions))
    for change in changes:
        click.echo(change.as_text())
    if not changes:
        raise CommandError("no arm has two complete searches in both folders")
    sys.exit(1 if any(change.lower for change in changes) else 0)


@lab.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--share", type=NumberRange(0.01, 10), default=0.2, show_default=True,
              help="Added processor time, as a share of what M1's database used for an arrival.")  # fmt: skip
def planted(folder: Path, share: float) -> None:
    """Print SQL that slows scheduling by a known share, to check that the laboratory finds it.

    FOLDER has results of the scenario. Measure with `extraction lab run --map --arms M1 --remedy planted=FILE`, in a
    scenario whose database limits M1, such as the founder's. Expected for a share of 0.2: 1 / 1.2 = 0.83 of M1's rate.
    """
    from loadtests.lab.planted import planted_sql
    from loadtests.lab.results.results_store import open_results
    from loadtests.lab.sizing import NotMeasured

    try:
        click.echo(planted_sql(open_results(folder).results.trials, BASELINE, share), nl=False)
    except NotMeasured as error:
        raise CommandError(f"{folder} cannot be used: {error}") from error


@lab.command()
@click.argument("words", nargs=-1)
def selftest(words: tuple[str, ...]) -> None:
    """Check that the load generator is accurate on this machine: punctual, and able to see a stall. Takes 40 s."""
    _require_locust()
    sys.stdout.flush()
    # Replace this process, since Locust must patch the sockets first.
    os.execv(sys.executable, [sys.executable, "-m", "loadtests.generator.selftest", *words])  # noqa: S606


def _report(folder: Path, junit: Path | None = None) -> int:
    """Write the report, print the map and the verdict, and return the verdict's exit code."""
    from loadtests.lab.report.page import render
    from loadtests.lab.report.plain import summarize_lines, write_gates
    from loadtests.lab.results.results_store import REPORT_FILE, open_results, write_atomically
    from loadtests.lab.verdict.verdict import judge_results

    found = open_results(folder)
    verdict = judge_results(found.results)
    page = render(found.results, verdict)
    write_atomically(found.path / REPORT_FILE, page.encode())
    if junit is not None:
        write_gates(junit, found.results, verdict)
    for line in summarize_lines(found.results):
        click.echo(line)
    click.echo(f"{verdict.outcome}{f' ({verdict.advice})' if verdict.advice else ''}: {verdict.because}")
    click.echo(f"the report is {found.path / REPORT_FILE}")
    return verdict.exit_code


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
