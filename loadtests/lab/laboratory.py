"""The laboratory from options to results: capacity first, then blocks of runs; it can be interrupted and resumed."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psycopg
import redis

from deploy.devstack.lock import file_lock
from deploy.errors import CommandError
from loadtests.harness.cores import choose_cores
from loadtests.lab.measuring.capacity import StepLengths, find_capacity, running_probe
from loadtests.lab.measuring.measurement import measure_run
from loadtests.lab.options import LabOptions, require_same_options
from loadtests.lab.planning.arms import ARMS, BASELINE, REPEAT, TWO_BUDGETS
from loadtests.lab.planning.plan import plan_runs, remaining_runs
from loadtests.lab.results.model import MeasurementConditions, Run, Step
from loadtests.lab.results.results_store import (
    LOGS_FOLDER,
    ResultsFolder,
    create_folder,
    require_free_space,
    resume_folder,
    save_logs,
)
from loadtests.lab.servers.cpu_budgets import BUDGET_CORES, reason_unavailable
from loadtests.lab.servers.database_templates import PreparedArm, prepare_arms
from loadtests.lab.servers.lab_servers import DatabaseServer, LabServers
from loadtests.lab.servers.machine import collect_versions, describe_machine
from loadtests.lab.servers.topologies import THREADS, TOPOLOGIES
from loadtests.lab.verdict.thresholds import FILE, Thresholds, read_thresholds

Report = Callable[[str], None]
"""Receives progress messages, one line each."""

_CURVE_RATES = (0.25, 0.5, 0.8, 1.0, 1.25)
_QUICK_CURVE_RATES = (0.25, 0.75, 1.25)
"""Rates of the other arms' load curves, relative to M1's R*, in ascending order since the arms start cold. Only
`extraction lab capacity` searches for their own R*."""
_OVERHEAD_SECONDS = 9.0
"""Estimated time of a run in addition to its load: databases, processes, warm-up, stop."""


class LabFailed(CommandError):
    """A failure while the servers were running; runs measured before it are in the results folder."""


@contextlib.contextmanager
def running_lab_servers(report: Report, arms: Sequence[str], out: Path) -> Iterator[LabServers]:
    """Run the servers that these arms need within the block, as the machine's only laboratory.

    Raises CommandError when they cannot be started, and LabFailed when something fails within the block.
    """
    two_budgets = sorted(set(arms) & set(TWO_BUDGETS))
    budget_cores = BUDGET_CORES if two_budgets else None
    if budget_cores is not None and (reason := reason_unavailable()):
        raise CommandError(f"{' and '.join(two_budgets)} cannot run here: {reason}")
    lock = Path(tempfile.gettempdir()) / "extraction-lab" / "lock"
    locked = "another laboratory is running on this machine (process {}); two would disturb each other".format
    with file_lock(lock, locked), contextlib.ExitStack() as running:
        name = running.enter_context(tempfile.TemporaryDirectory(prefix="extraction-lab-", ignore_cleanup_errors=True))
        require_free_space(out, Path(name))
        servers = LabServers(Path(name), choose_cores(), running, budget_cores)
        report("starting the servers")
        try:
            servers.start_all(*required_servers(arms))
            yield servers
        except (CommandError, psycopg.Error, redis.RedisError, OSError) as error:
            save_logs(Path(name), out)
            raise LabFailed(_describe_failure(error, out).replace(name, str(out / LOGS_FOLDER))) from error


def _describe_failure(error: Exception, out: Path) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, CommandError):
        return text
    if isinstance(error, OSError):
        return f"{error.filename or out}: {error.strerror or text}"
    return f"a server of the laboratory failed: {text} (logs: {out / LOGS_FOLDER})"


def run_laboratory(options: LabOptions, report: Report) -> ResultsFolder:
    """Measure all runs that are not in the folder yet.

    On Ctrl-C raises KeyboardInterrupt; the folder then contains the completed runs.
    """
    thresholds = read_thresholds()
    folder = resume_folder(options.out)
    if folder is not None:
        require_same_options(folder.results, options)
        _extend_blocks(folder, options.blocks)
    with running_lab_servers(report, options.arms, options.out) as servers:
        prepared = prepare_arms(options.arms, options.remedies, servers, report)
        if folder is None:
            folder = _start_folder(options, servers, prepared, thresholds, report)
        _measure_remaining(folder, servers, prepared, thresholds, report)
    return folder


def measure_capacity(arms: Sequence[str], lengths: StepLengths, out: Path, report: Report) -> dict[str, float]:
    """Return R* of each arm, in scheduling requests a second."""
    thresholds, found = read_thresholds(), {}
    with running_lab_servers(report, arms, out) as servers:
        prepared = prepare_arms(arms, {}, servers, report)
        for arm in arms:
            report(f"searching for the capacity of {arm}")
            with running_probe(arm, servers, prepared[arm], out, thresholds) as probe:
                found[arm] = find_capacity(probe, lengths, lambda step: report(f"  {format_step(step)}"))
    return found


def format_step(step: Step) -> str:
    p99 = "-" if step.p99_ms is None else f"{step.p99_ms:.0f} ms"
    return f"{step.arm} at {step.rate:.0f}/s: {step.good:.1%} within the SLO, p99 {p99}"


def _describe_budgets(servers: LabServers) -> str:
    return f"{servers.cores.note}; each budget is {servers.budget_cores:g} of that core"


def _reasons_not_measured(arms: Sequence[str]) -> dict[str, str]:
    """Return the reason for each predefined arm that is not measured."""
    two_budgets = reason_unavailable() or "not selected; it would limit all arms to a share of a core"
    return {arm: two_budgets if arm in TWO_BUDGETS else "not selected" for arm in ARMS if arm not in arms}


def required_servers(arms: Sequence[str]) -> list[DatabaseServer]:
    """Return the Postgres servers that these arms need; custom remedies need those of M1."""
    topologies = [TOPOLOGIES.get(arm, TOPOLOGIES[BASELINE]) for arm in arms]
    return list(dict.fromkeys(server for topology in topologies for server in topology.placement.values()))


def _start_folder(
    options: LabOptions,
    servers: LabServers,
    prepared: dict[str, PreparedArm],
    thresholds: Thresholds,
    report: Report,
) -> ResultsFolder:
    capacity, steps = _measure_load_curves(options, servers, prepared, thresholds, report)
    conditions = MeasurementConditions(
        scenario=options.scenario,
        arms=options.arms,
        blocks=options.blocks,
        seconds=options.seconds,
        idle_seconds=options.idle_seconds,
        seed=options.seed,
        capacity=capacity,
        forecast=options.forecast or capacity,
        assumed=options.forecast is None,
        threads=THREADS,
        quick=options.quick,
        pinned=servers.cores.note if servers.budget_cores is None else _describe_budgets(servers),
        not_measured=_reasons_not_measured(options.arms),
        versions=collect_versions(servers),
        began=datetime.now(UTC).isoformat(timespec="seconds"),
        thresholds=FILE.read_text(encoding="utf-8"),
        remedies=dict(options.remedies),
    )
    folder = create_folder(options.out, conditions, describe_machine(), thresholds.version)
    folder.add_steps(steps)
    return folder


def _measure_load_curves(
    options: LabOptions,
    servers: LabServers,
    prepared: dict[str, PreparedArm],
    thresholds: Thresholds,
    report: Report,
) -> tuple[float, list[Step]]:
    """Search for M1's capacity unless it is given, then measure the other arms at rates around it."""
    steps: list[Step] = []
    capacity = options.capacity

    def report_step(step: Step) -> None:
        report(f"  {format_step(step)}")

    for arm in [BASELINE, *(arm for arm in options.arms if arm not in (BASELINE, REPEAT))]:
        with running_probe(arm, servers, prepared[arm], options.out, thresholds) as probe:
            if capacity is None:
                report(f"searching for R*, the capacity of {arm}")
                capacity = find_capacity(probe, options.lengths, report_step)
                report(f"R* is about {capacity:.0f} scheduling requests a second")
            else:
                report(f"measuring {arm} at rates around R*")
                for share in _QUICK_CURVE_RATES if options.quick else _CURVE_RATES:
                    report_step(probe.probe(capacity * share, options.lengths.rung))
            steps += probe.steps
    assert capacity is not None, "M1 came first"
    return capacity, steps


def _measure_remaining(
    folder: ResultsFolder,
    servers: LabServers,
    prepared: dict[str, PreparedArm],
    thresholds: Thresholds,
    report: Report,
) -> None:
    specs = plan_runs(folder.conditions, thresholds)
    remaining = remaining_runs(specs, {run.folder for run in folder.results.runs})
    done = len(specs) - len(remaining)
    if done:
        report(f"{done} of {len(specs)} runs are already measured")
    overhead = _OVERHEAD_SECONDS
    for number, spec in enumerate(remaining):
        seconds_left = sum(each.seconds + overhead for each in remaining[number:])
        report(
            f"run {done + number + 1} of {len(specs)}: {spec.arm}, {spec.scenario} at {spec.rate:.0f}/s, "
            f"block {spec.block + 1}; about {seconds_left / 60:.1f} min left"
        )
        began = time.monotonic()
        run = measure_run(spec, servers, prepared[spec.arm], folder.path, thresholds)
        overhead = max(1.0, time.monotonic() - began - spec.seconds)
        folder.add(run)
        report("  " + format_run(run))


def format_run(run: Run) -> str:
    parts = []
    for module, result in run.modules.items():
        if result.arrivals:
            tail = result.p99_ms if result.p99_ms is not None else result.p95_ms
            name = "p99" if result.p99_ms is not None else "p95"
            parts.append(f"{module} {name} {'-' if tail is None else f'{tail:.0f} ms'}")
    line = f"{run.bookings / run.seconds:.1f} bookings/s; " + ", ".join(parts)
    return line if run.valid else f"INVALID ({'; '.join(run.problems)}); {line}"


def _extend_blocks(folder: ResultsFolder, blocks: int) -> None:
    """Raise the number of blocks of a resumed laboratory; it never decreases."""
    if blocks > folder.conditions.blocks:
        folder.set_conditions(msgspec.structs.replace(folder.conditions, blocks=blocks))
