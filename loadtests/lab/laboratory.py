"""The laboratory from options to results: the servers, the results folder, and the experiment between them."""

import contextlib
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import psycopg
import redis

from deploy.devstack.lock import file_lock
from deploy.devstack.program import ROOT
from deploy.errors import CommandError
from loadtests.harness.cores import choose_cores
from loadtests.harness.cpu_budgets import reason_unavailable
from loadtests.lab.experiment import FIRST_RATE, Experiment
from loadtests.lab.measuring.blast_radius import measure_blast_radius
from loadtests.lab.measuring.rig import ProductRig, Side, reason_not_paired
from loadtests.lab.measuring.stage import Report
from loadtests.lab.measuring.subject import Rig
from loadtests.lab.measuring.targets import TargetRig
from loadtests.lab.options import LabOptions, require_same_options
from loadtests.lab.planning.arms import ARMS, BASELINE, REPEAT
from loadtests.lab.planning.scenario import RegisteredScenario, parse_scenario
from loadtests.lab.results.model import MachineSpeed, MeasurementConditions
from loadtests.lab.results.results_store import (
    LOGS_FOLDER,
    ResultsFolder,
    create_folder,
    require_free_space,
    resume_folder,
    save_logs,
)
from loadtests.lab.servers.database_templates import prepare_arms
from loadtests.lab.servers.lab_servers import DatabaseServer, LabServers
from loadtests.lab.servers.machine import collect_versions, describe_machine, product_commit
from loadtests.lab.servers.reference_work import measure_reference_work
from loadtests.lab.servers.speed_probe import SpeedProbe, running_speed_probe
from loadtests.lab.servers.steady_budgets import BudgetSpeed
from loadtests.lab.servers.topologies import TOPOLOGIES
from loadtests.lab.verdict.capacities import TrialRecord
from loadtests.lab.verdict.thresholds import FILE, read_thresholds
from loadtests.lab.verdict.verdict import scenario_of, scenario_under

FAULT_LOAD: Final = 0.5
"""Load during faults, as a share of the lowest capacity of the arms."""


class LabFailed(CommandError):
    """A failure while the servers were running; trials measured before it are in the results folder."""


def run_laboratory(options: LabOptions, report: Report) -> ResultsFolder:
    """Measure all trials that are not in the folder yet.

    On Ctrl-C raises KeyboardInterrupt; the folder then contains the completed trials.
    """
    commit = product_commit()
    folder = _resume(options, commit, report)
    if folder is None and not options.quick:
        _test_generator(report)
    if options.targets:
        return _measure_targets(options, folder, commit, report)
    with running_lab_servers(report, options.arms, options.out) as servers:
        probe = start_speed_probe(servers)
        if folder is None:
            speed = _measure_speed(servers, probe, options, report)
            conditions = _conditions(options, commit, servers.cores.note, collect_versions(servers), speed)
        else:
            conditions = folder.conditions
        base = None if conditions.speed is None else conditions.speed.base
        rig = build_rig(servers, BudgetSpeed(probe, base), scenario_under(conditions), options, report)
        folder = folder or _create(options, conditions)
        _experiment(rig, folder, report).run()
        if options.faults:
            _measure_faults(rig, folder, report)
    return folder


def _measure_faults(rig: ProductRig, folder: ResultsFolder, report: Report) -> None:
    """Measure the blast radius of the arms that have none yet, at half of the lowest capacity of the arms."""
    results = folder.results
    record = TrialRecord(results, scenario_of(results), read_thresholds())
    blocks = {trial.block for trial in results.trials}
    kept = [bracket.kept for arm in rig.arms() for bracket in record.brackets(arm, blocks) if bracket.kept]
    rate = FAULT_LOAD * min(kept, default=FIRST_RATE)
    for arm in rig.arms():
        if arm != REPEAT and not any(cell.arm == arm for cell in results.blast):
            report(f"faults of {arm}, at {rate:.3g}/s")
            folder.add_blast(measure_blast_radius(rig, arm, rate))


def _measure_speed(servers: LabServers, probe: SpeedProbe, options: LabOptions, report: Report) -> MachineSpeed | None:
    """Return the speed of the machine relative to the scenario's; None where its rates are not to be scaled."""
    scenario = parse_scenario(options.scenario)
    if scenario.reference is None or options.forecast is not None or reason_unavailable() is not None:
        return None
    report("measuring the reference work")
    work = measure_reference_work(servers, scenario, probe, read_thresholds().speed.most_difference)
    ratio = work.requests / scenario.reference.requests
    report(f"  {work.requests:.3g} requests/s (median of {work.counting} of {work.measured} measurements)")
    report(f"  {ratio:.2f} of the machine of the scenario: its rates are multiplied by that")
    return MachineSpeed(ratio=ratio, base=work.speed.base)


def _test_generator(report: Report) -> None:
    """Report the generator's accuracy on this machine. Inaccurate trials do not count, so this decides nothing."""
    report("testing the load generator")
    check = [sys.executable, "-m", "loadtests.generator.selftest", "--seconds", "5", "--stalled-seconds", "10"]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    for line in (done.stdout or done.stderr).splitlines():
        report(f"  {line}")
    if done.returncode:
        report("  the generator is not accurate enough here: trials in which it is late do not count")


def _measure_targets(options: LabOptions, folder: ResultsFolder | None, commit: str, report: Report) -> ResultsFolder:
    """Compare systems that already run. Raises LabFailed."""
    cores = choose_cores()
    if folder is None:
        versions = {"python": platform.python_version()}
        folder = _create(options, _conditions(options, commit, "servers of their own", versions))
    try:
        _experiment(TargetRig(options.targets, cores), folder, report).run()
    except CommandError as error:
        raise LabFailed(str(error)) from error
    return folder


def _resume(options: LabOptions, commit: str, report: Report) -> ResultsFolder | None:
    folder = resume_folder(options.out)
    if folder is not None:
        require_same_options(folder.results, options, commit)
        _extend_blocks(folder, options.blocks)
        report(f"{len(folder.results.trials)} trials are already measured")
    return folder


def _experiment(rig: Rig, folder: ResultsFolder, report: Report) -> Experiment:
    return Experiment(rig, folder, scenario_of(folder.results), read_thresholds(), report)


def start_speed_probe(servers: LabServers) -> SpeedProbe:
    """Start the probe on the servers' core; it ends with the servers."""
    probe, pid = servers.running.enter_context(running_speed_probe(servers.folder / "speed"))
    servers.cores.pin_servers([pid])
    return probe


def build_rig(
    servers: LabServers, speed: BudgetSpeed, scenario: RegisteredScenario, options: LabOptions, report: Report
) -> ProductRig:
    """Prepare the arms, on a second set of servers as well where two arms fit side by side. Raises CommandError."""
    alone = reason_not_paired(scenario)
    report(f"arms are measured one at a time: {alone}" if alone else "arms are measured beside M1")
    sets = [servers]
    if alone is None:
        folder = servers.folder / "beside"
        folder.mkdir()
        beside = LabServers(folder, servers.cores, servers.running)
        beside.start_all(*required_servers(options.arms))
        sets.append(beside)
    sides = [Side(each, prepare_arms(options.arms, options.remedies, each, report)) for each in sets]
    return ProductRig(sides, scenario, speed)


@contextlib.contextmanager
def running_lab_servers(report: Report, arms: Sequence[str], out: Path) -> Iterator[LabServers]:
    """Run the servers that these arms need within the block, as the machine's only laboratory.

    Raises CommandError when they cannot be started, and LabFailed when something fails within the block.
    """
    lock = Path(tempfile.gettempdir()) / "extraction-lab" / "lock"
    locked = "another laboratory is running on this machine (process {}); two would disturb each other".format
    with file_lock(lock, locked), contextlib.ExitStack() as running:
        name = running.enter_context(tempfile.TemporaryDirectory(prefix="extraction-lab-", ignore_cleanup_errors=True))
        require_free_space(out, Path(name))
        servers = LabServers(Path(name), choose_cores(), running)
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


def required_servers(arms: Sequence[str]) -> list[DatabaseServer]:
    """Return the Postgres servers that these arms need; custom remedies need those of M1."""
    topologies = [TOPOLOGIES.get(arm, TOPOLOGIES[BASELINE]) for arm in arms]
    return list(dict.fromkeys(server for topology in topologies for server in topology.placement.values()))


def available_arms() -> list[str]:
    """Return the predefined arms that have a topology."""
    return [arm for arm in ARMS if arm in TOPOLOGIES]


def _create(options: LabOptions, conditions: MeasurementConditions) -> ResultsFolder:
    return create_folder(options.out, conditions, describe_machine(), read_thresholds().version)


def _conditions(
    options: LabOptions, commit: str, pinned: str, versions: dict[str, str], speed: MachineSpeed | None = None
) -> MeasurementConditions:
    others = [] if options.targets else [arm for arm in available_arms() if arm not in options.arms]
    return MeasurementConditions(
        scenario=options.scenario,
        arms=options.arms,
        blocks=options.blocks,
        seed=options.seed,
        quick=options.quick,
        pinned="; ".join(filter(None, (pinned, "" if options.targets else _without_budgets()))),
        versions=versions,
        began=datetime.now(UTC).isoformat(timespec="seconds"),
        thresholds=FILE.read_text(encoding="utf-8"),
        commit=commit,
        forecast=options.forecast,
        speed=speed,
        map_only=options.map_only,
        not_measured=dict.fromkeys(others, "not selected"),
        remedies=dict(options.remedies),
        targets=dict(options.targets),
    )


def _without_budgets() -> str:
    reason = reason_unavailable()
    return f"without processor budgets, so that roles were not measured: {reason}" if reason else ""


def _extend_blocks(folder: ResultsFolder, blocks: int) -> None:
    """Raise the number of blocks of a resumed laboratory; it never decreases."""
    if blocks > folder.conditions.blocks:
        folder.set_conditions(msgspec.structs.replace(folder.conditions, blocks=blocks))
