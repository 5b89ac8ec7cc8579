"""Loads on running arms: a warm-up that is not measured, the load, and the raw reading of each arm."""

import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from loadtests.generator.rows import RawRow
from loadtests.generator.workload import SignedInBusiness
from loadtests.lab.measuring import correctness
from loadtests.lab.measuring.faults import inject_fault
from loadtests.lab.measuring.generator_process import (
    GeneratorProcess,
    read_run_files,
    running_generator,
    workload_of,
)
from loadtests.lab.measuring.sampling import (
    at_base_speed,
    difference,
    read_pages,
    read_roles,
    read_statements,
    reset_statements,
    sample_usage,
)
from loadtests.lab.measuring.subject import Load, Reading
from loadtests.lab.servers.follow_up import FollowUp, wait_for_follow_up
from loadtests.lab.servers.lab_servers import LabServers
from loadtests.lab.servers.running_arm import RunningArm
from loadtests.lab.servers.steady_budgets import BudgetSpeed
from loadtests.lab.servers.topologies import Topology

COPY = "run"
"""The prefix of the databases of running arms."""
DRAIN_SECONDS: Final = 60.0
"""How long a backlog is worked off without budgets, once it is certainly late."""


@dataclass
class LoadHistory:
    """All rows since the databases were copied, at `since` on the database's clock."""

    since: datetime
    rows: list[RawRow] = field(default_factory=list)


@dataclass(frozen=True)
class MeasuredArm:
    """A running arm, the businesses that its load addresses, and the loads that it has had."""

    name: str
    running: RunningArm
    businesses: Sequence[SignedInBusiness]
    history: LoadHistory
    speed: BudgetSpeed

    @property
    def servers(self) -> LabServers:
        return self.running.servers

    @property
    def topology(self) -> Topology:
        return self.running.topology


def measure_loads(
    arms: Sequence[MeasuredArm], loads: Mapping[str, Load], folders: Mapping[str, Path]
) -> dict[str, Reading]:
    """Send each arm its load, beginning at the same moment, and return when the work that they caused is done.

    The rows and the generator's report are left in the arm's folder. The rows are added to the arm's history, for the
    check of correctness. Raises CommandError.
    """
    with contextlib.ExitStack() as stack:
        generators = {
            arm.name: stack.enter_context(
                running_generator(
                    workload_of(loads[arm.name], arm.running.hosts, arm.businesses),
                    folders[arm.name],
                    arm.servers.cores,
                )
            )
            for arm in arms
        }
        runs = [_Run(arm, loads[arm.name], generators[arm.name], folders[arm.name]) for arm in arms]
        for run in runs:
            run.prepare()
        begin_together(list(generators.values()))
        for run in runs:
            run.start()
        for run in runs:
            run.inject_fault()
        for run in runs:
            run.end()
    for run in runs:
        run.settle()
    return {run.arm.name: run.read() for run in runs}


def begin_together(generators: Sequence[GeneratorProcess]) -> None:
    """Begin all loads within a few milliseconds. Raises CommandError."""
    for generator in generators:
        generator.wait_until_ready()
    for generator in generators:
        generator.begin()


class _Run:
    """One load on one arm, in the order of these methods."""

    def __init__(self, arm: MeasuredArm, load: Load, generator: GeneratorProcess, folder: Path) -> None:
        self.arm = arm
        self._load = load
        self._folder = folder
        self._generator = generator

    def prepare(self) -> None:
        """Read the counters that cost the servers processor time, before the warm-up: at 0 s, they would delay the
        first requests."""
        self._pages = read_pages(self.arm.running)
        reset_statements(self.arm.running)
        # Earlier loads have been waited for: their events need not be read again.
        self._from = database_time(self.arm.servers, self.arm.topology)

    def start(self) -> None:
        """Wait for the end of the warm-up, and read the control groups."""
        self._generator.wait_for_start()
        self._began = time.monotonic()
        # The databases run on this machine, so this is their clock.
        self._since = datetime.now(UTC)
        self._before = sample_usage(self.arm.running)

    def inject_fault(self) -> None:
        """Inject the fault of the load, if it has one."""
        if self._load.fault is not None:
            inject_fault(self._load.fault, self.arm.running)

    def end(self) -> None:
        """Wait for the responses, and read the counters."""
        self._generator.wait_for_end()
        self._ended = time.monotonic()
        self._after = sample_usage(self.arm.running)
        self._last_pages = read_pages(self.arm.running)

    def settle(self) -> None:
        """Wait until the follow-up work is done, so that its costs count, and none is left to the next load."""
        arm, promises = self.arm, self._load.scenario.promises
        _, report = read_run_files(self._folder)
        # The freshness of a load that ended early decides nothing.
        seconds = 0.0 if report.ended_early or not self._load.judge_freshness else promises.fresh_seconds
        done = self._wait(max(0.0, self._ended + seconds - time.monotonic()))
        if not done.done:
            # What is missing now is late in any case.
            with arm.running.without_budgets():
                done = self._wait(DRAIN_SECONDS)
        self._follow_up = done
        self._done = sample_usage(arm.running)
        self._settled = time.monotonic()

    def read(self) -> Reading:
        arm, seconds = self.arm, self._ended - self._began
        during, until_done = (arm.speed.relative(self._began, end) for end in (self._ended, self._settled))
        rows, report = read_run_files(self._folder)
        arm.history.rows += rows
        return Reading(
            rows=rows,
            generator=report,
            roles=at_base_speed(
                read_roles(arm.running, self._before, self._after, self._done, seconds), during, until_done
            ),
            statements=read_statements(arm.running, COPY),
            freshness=self._follow_up.freshness(self._since, self._load.scenario.promises.fresh_seconds),
            web_cpu_ms={
                module: during * spent
                for module, spent in difference(self._pages.web_cpu_ms, self._last_pages.web_cpu_ms).items()
            },
            pool_wait_ms=difference(self._pages.pool_wait_ms, self._last_pages.pool_wait_ms),
            violations=tuple(_find_violations(arm)),
            speed=arm.speed.usable(self._began, self._ended),
        )

    def _wait(self, seconds: float) -> FollowUp:
        arm = self.arm
        return wait_for_follow_up(arm.servers, arm.topology, COPY, seconds=seconds, since=self._from)


def database_time(servers: LabServers, topology: Topology) -> datetime:
    with servers.administrator(topology.placement[topology.owner], f"{COPY}_{topology.owner}") as db:
        row = db.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]


def _find_violations(arm: MeasuredArm) -> list[str]:
    topology = arm.topology
    with arm.servers.administrator(topology.placement[topology.owner], f"{COPY}_{topology.owner}") as db:
        return correctness.find_violations(arm.history.rows, db, arm.history.since)
