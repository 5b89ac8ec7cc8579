"""From options to results: capacity first, then blocks of runs; interrupted at any time, resumed at any time."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
from loadtests.lab.planning.arms import ARMS, BASELINE, REPEAT, TWO_BUDGETS
from loadtests.lab.planning.plan import plan_runs, remaining_runs
from loadtests.lab.results.model import Conditions, Remedy, Results, Run, Step
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

Say = Callable[[str], None]

_OTHER_ARMS = (0.25, 0.5, 0.8, 1.0, 1.25)
_OTHER_ARMS_QUICKLY = (0.25, 0.75, 1.25)
"""Shares of M1's R* that the other arms are asked, for the curve: low ones first, of cold arms. Their own R* is
searched for by `capacity` only."""
_OVERHEAD_SECONDS = 9.0
"""Of a run, before the first was timed: databases, processes, warming up, stopping."""


@dataclass(frozen=True)
class LabOptions:
    """What to measure, and where to keep it. `forecast` in scheduling requests a second at the peak; None: as many as
    M1 can bear, which is R*. `remedies` by the names of their arms, which are among `arms`."""

    out: Path
    scenario: str
    arms: tuple[str, ...]
    blocks: int
    seconds: float
    idle_seconds: float
    seed: int
    lengths: StepLengths
    forecast: float | None = None
    capacity: float | None = None
    quick: bool = False
    remedies: Mapping[str, Remedy] = field(default_factory=dict)


class LabFailed(CommandError):
    """Something failed while the servers were up; what had been measured is in the folder."""


@contextlib.contextmanager
def running_lab_servers(say: Say, arms: Sequence[str], out: Path) -> Iterator[LabServers]:
    """The machine's only one, with the servers for these arms up. Raises CommandError when it cannot be, and
    Stopped when something fails within the block."""
    budget_cores = BUDGET_CORES if set(arms) & set(TWO_BUDGETS) else None
    if budget_cores is not None and (reason := reason_unavailable()):
        raise CommandError(f"{' and '.join(sorted(set(arms) & set(TWO_BUDGETS)))} cannot run here: {reason}")
    lock = Path(tempfile.gettempdir()) / "extraction-lab" / "lock"
    taken = "a laboratory runs on this machine already (process {}): two at once would measure each other".format
    with file_lock(lock, taken), contextlib.ExitStack() as running:
        name = running.enter_context(tempfile.TemporaryDirectory(prefix="extraction-lab-", ignore_cleanup_errors=True))
        require_free_space(out, Path(name))
        ground = LabServers(Path(name), choose_cores(), running, budget_cores)
        say("starting the servers")
        try:
            ground.start(*required_servers(arms))
            yield ground
        except (CommandError, psycopg.Error, redis.RedisError, OSError) as error:
            save_logs(Path(name), out)
            raise LabFailed(_in_one_line(error, out).replace(name, str(out / LOGS_FOLDER))) from error


def _in_one_line(error: Exception, out: Path) -> str:
    words = " ".join(str(error).split())
    if isinstance(error, CommandError):
        return words
    if isinstance(error, OSError):
        return f"{error.filename or out}: {error.strerror or words}"
    return f"a server of the laboratory failed: {words} (what they said is in {out / LOGS_FOLDER})"


def run_laboratory(options: LabOptions, say: Say) -> ResultsFolder:
    """Everything that has not been measured yet. On Ctrl-C raises KeyboardInterrupt; the folder has what there is."""
    thresholds = read_thresholds()
    folder = resume_folder(options.out)
    if folder is not None:
        _require_same(folder.results, options)
        _allow_more_blocks(folder, options.blocks)
    with running_lab_servers(say, options.arms, options.out) as ground:
        prepared = prepare_arms(options.arms, options.remedies, ground, say)
        if folder is None:
            folder = _begin(options, ground, prepared, thresholds, say)
        _measure_all(folder, ground, prepared, thresholds, say)
    return folder


def measure_capacity(arms: Sequence[str], lengths: StepLengths, out: Path, say: Say) -> dict[str, float]:
    """R* of each arm, in scheduling requests a second."""
    thresholds, found = read_thresholds(), {}
    with running_lab_servers(say, arms, out) as ground:
        prepared = prepare_arms(arms, {}, ground, say)
        for arm in arms:
            say(f"looking for what {arm} can bear")
            with running_probe(arm, ground, prepared[arm], out, thresholds) as asked:
                found[arm] = find_capacity(asked, lengths, lambda step: say(f"  {format_step(step)}"))
    return found


def format_step(step: Step) -> str:
    """A steady rate on one line."""
    p99 = "-" if step.p99_ms is None else f"{step.p99_ms:.0f} ms"
    return f"{step.arm} at {step.rate:.0f}/s: {step.good:.1%} within the promise, p99 {p99}"


def _budgets_note(ground: LabServers) -> str:
    return f"{ground.cores.note}; each budget is {ground.budget_cores:g} of that core"


def _not_measured(arms: Sequence[str]) -> dict[str, str]:
    """Why, by the arms that a reader may look for."""
    reason = reason_unavailable() or "not asked for; they hold all arms to a share of a core"
    return {arm: reason if arm in TWO_BUDGETS else "not asked for" for arm in ARMS if arm not in arms}


def required_servers(arms: Sequence[str]) -> list[DatabaseServer]:
    """Remedies of the reader's own need what M1 needs."""
    topologies = [TOPOLOGIES.get(arm, TOPOLOGIES[BASELINE]) for arm in arms]
    return list(dict.fromkeys(server for topology in topologies for server in topology.home.values()))


def _begin(
    options: LabOptions, ground: LabServers, prepared: dict[str, PreparedArm], thresholds: Thresholds, say: Say
) -> ResultsFolder:
    capacity, steps = _look_around(options, ground, prepared, thresholds, say)
    conditions = Conditions(
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
        pinned=ground.cores.note if ground.budget_cores is None else _budgets_note(ground),
        not_measured=_not_measured(options.arms),
        versions=collect_versions(ground),
        began=datetime.now(UTC).isoformat(timespec="seconds"),
        thresholds=FILE.read_text(encoding="utf-8"),
        remedies=dict(options.remedies),
    )
    folder = create_folder(options.out, conditions, describe_machine(), thresholds.version)
    folder.add_steps(steps)
    return folder


def _look_around(
    options: LabOptions, ground: LabServers, prepared: dict[str, PreparedArm], thresholds: Thresholds, say: Say
) -> tuple[float, list[Step]]:
    """R*, unless it is known; then what the other arms make of rates around it."""
    steps: list[Step] = []
    capacity = options.capacity

    def told(step: Step) -> None:
        say(f"  {format_step(step)}")

    for arm in [BASELINE, *(arm for arm in options.arms if arm not in (BASELINE, REPEAT))]:
        with running_probe(arm, ground, prepared[arm], options.out, thresholds) as asked:
            if capacity is None:
                say(f"looking for R*, what {arm} can bear")
                capacity = find_capacity(asked, options.lengths, told)
                say(f"R* is about {capacity:.0f} scheduling requests a second")
            else:
                say(f"asking {arm} at rates around R*")
                for share in _OTHER_ARMS_QUICKLY if options.quick else _OTHER_ARMS:
                    told(asked.ask(capacity * share, options.lengths.rung))
            steps += asked.steps
    assert capacity is not None, "M1 came first"
    return capacity, steps


def _measure_all(
    folder: ResultsFolder, ground: LabServers, prepared: dict[str, PreparedArm], thresholds: Thresholds, say: Say
) -> None:
    specs = plan_runs(folder.conditions, thresholds)
    open_ones = remaining_runs(specs, {run_laboratory.folder for run_laboratory in folder.results.runs})
    if len(open_ones) < len(specs):
        say(f"{len(specs) - len(open_ones)} of {len(specs)} runs are there already")
    overhead = _OVERHEAD_SECONDS
    for number, spec in enumerate(open_ones):
        remaining = sum(each.seconds + overhead for each in open_ones[number:])
        say(
            f"run {len(specs) - len(open_ones) + number + 1} of {len(specs)}: {spec.arm}, {spec.scenario} at "
            f"{spec.rate:.0f}/s, block {spec.block + 1}; about {remaining / 60:.1f} min left"
        )
        began = time.monotonic()
        found = measure_run(spec, ground, prepared[spec.arm], folder.path, thresholds)
        overhead = max(1.0, time.monotonic() - began - spec.seconds)
        folder.add(found)
        say("  " + format_run(found))


def format_run(run_laboratory: Run) -> str:
    """A run on one line."""
    parts = []
    for module, result in run_laboratory.modules.items():
        if result.arrivals:
            tail = result.p99_ms if result.p99_ms is not None else result.p95_ms
            name = "p99" if result.p99_ms is not None else "p95"
            parts.append(f"{module} {name} {'-' if tail is None else f'{tail:.0f} ms'}")
    line = f"{run_laboratory.bookings / run_laboratory.seconds:.1f} bookings/s; " + ", ".join(parts)
    return line if run_laboratory.valid else f"INVALID ({'; '.join(run_laboratory.problems)}); {line}"


def _require_same(results: Results, options: LabOptions) -> None:
    """Raises CommandError unless the folder was begun with the same options, thresholds and machine."""
    found = results.conditions
    assert found is not None, "a folder without them is not opened"
    if found.thresholds != FILE.read_text(encoding="utf-8"):
        raise CommandError(f"{options.out} was begun under other thresholds: give another --out")
    if results.machine != describe_machine():
        raise CommandError(f"{options.out} was begun on another machine ({results.machine}): give another --out")
    wanted = {
        "--quick": (found.quick, options.quick),
        "--scenario": (found.scenario, options.scenario),
        "--arms": (",".join(found.arms), ",".join(options.arms)),
        "--seconds": (found.seconds, options.seconds),
        "--idle-seconds": (found.idle_seconds, options.idle_seconds),
        "--seed": (found.seed, options.seed),
    }
    for option, (before, now) in wanted.items():
        if before != now:
            raise CommandError(
                f"{options.out} was begun with {option} {before}, and this is {now}: give the same, or another --out"
            )
    for arm in options.remedies:
        if options.remedies[arm] != found.remedies.get(arm):
            raise CommandError(f"{options.out} was begun with another remedy {arm}: give another --out")
    if options.forecast is not None and options.forecast != found.forecast:
        raise CommandError(f"{options.out} was begun with another forecast, {found.forecast:g}: give the same")


def _allow_more_blocks(folder: ResultsFolder, blocks: int) -> None:
    """A resumed laboratory may be given more blocks than it was begun with; never fewer."""
    if blocks > folder.conditions.blocks:
        folder.change(msgspec.structs.replace(folder.conditions, blocks=blocks))
