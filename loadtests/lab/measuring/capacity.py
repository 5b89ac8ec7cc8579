"""R*, the capacity of an arm: the highest rate of scheduling requests within the SLO, by ladder and bisection."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from loadtests.lab.measuring.measurement import COPY, read_run_files, run_load
from loadtests.lab.planning.plan import RunSpec
from loadtests.lab.results.model import Step
from loadtests.lab.results.results_store import CAPACITY_FOLDER
from loadtests.lab.results.summary import summarize_modules
from loadtests.lab.servers.database_templates import PreparedArm
from loadtests.lab.servers.lab_servers import LabServers
from loadtests.lab.servers.quiesce import wait_until_idle
from loadtests.lab.servers.topologies import RunningArm, running_arm
from loadtests.lab.verdict.thresholds import Thresholds

FIRST_RATE: Final = 25.0
MAX_RATE: Final = 5_000.0
GOOD_SHARE: Final = 0.98
"""The share of a step's arrivals that must be answered within the SLO; below it the rate exceeds the capacity."""
CLOSE_ENOUGH: Final = 1.08


@dataclass(frozen=True)
class StepLengths:
    """Seconds of a step of the ladder and of the bisection, and the maximum number of bisection rates."""

    rung: float
    bisection: float
    bisections: int


class RateProbe(Protocol):
    """Anything whose response to a steady rate can be measured."""

    def probe(self, rate: float, seconds: float) -> Step:
        """Measure `rate` scheduling requests a second."""


class CapacityProbe:
    """Probes a running arm."""

    def __init__(
        self,
        arm_name: str,
        arm: RunningArm,
        servers: LabServers,
        prepared: PreparedArm,
        folder: Path,
        thresholds: Thresholds,
    ) -> None:
        self._name = arm_name
        self._arm = arm
        self._servers = servers
        self._prepared = prepared
        self._folder = folder
        self._thresholds = thresholds
        self.steps: list[Step] = []

    def probe(self, rate: float, seconds: float) -> Step:
        """Send a steady rate, after one second of warm-up, and keep the step."""
        # Background work of an overloaded step would otherwise slow down the next.
        wait_until_idle(self._arm.pids)
        number = len(self.steps)
        folder = self._folder / CAPACITY_FOLDER / f"{self._name.replace(chr(39), '-again')}-{number:02}"
        folder.mkdir(parents=True, exist_ok=True)
        spec = RunSpec(0, number, self._name, "idle", 0.0, rate, seconds, 1.0, 9_000 + number)
        run_load(spec, self._servers, self._arm, self._prepared, folder)
        rows = [row.as_row(self._name) for row in read_run_files(folder)[0] if row.due >= 0]
        found = summarize_modules(rows, self._thresholds.slo_p99_ms)["scheduling"]
        step = Step(
            arm=self._name,
            rate=rate,
            good=found.good / found.arrivals if found.arrivals else 0.0,
            goodput=found.good / seconds,
            p99_ms=found.p99_ms,
        )
        self.steps.append(step)
        return step


@contextmanager
def running_probe(
    arm_name: str, servers: LabServers, prepared: PreparedArm, folder: Path, thresholds: Thresholds
) -> Iterator[CapacityProbe]:
    """Run the arm within the block, on fresh databases that grow from step to step."""
    topology = prepared.topology
    with (
        servers.database_copies(topology.placement, topology.template, COPY),
        running_arm(topology, servers, COPY) as arm,
    ):
        yield CapacityProbe(arm_name, arm, servers, prepared, folder, thresholds)


def find_capacity(probe: RateProbe, lengths: StepLengths, report: Callable[[Step], None]) -> float:
    """Double the rate until it fails, then bisect on a logarithmic scale.

    A rate fails when two consecutive steps fail, since one may have been disturbed by other work of the machine.
    """

    def sustains(rate: float, seconds: float) -> bool:
        return any(step_succeeds(rate, seconds) for _ in range(2))

    def step_succeeds(rate: float, seconds: float) -> bool:
        step = probe.probe(rate, seconds)
        report(step)
        return step.good >= GOOD_SHARE

    good, bad = 0.0, FIRST_RATE
    while bad < MAX_RATE and sustains(bad, lengths.rung):
        good, bad = bad, bad * 2
    if not good:
        good = bad / 8
    for _ in range(lengths.bisections):
        if bad / good <= CLOSE_ENOUGH:
            break
        middle = math.sqrt(good * bad)
        if sustains(middle, lengths.bisection):
            good = middle
        else:
            bad = middle
    return good
