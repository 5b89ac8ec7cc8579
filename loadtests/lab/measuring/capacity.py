"""R*: how many scheduling requests a second an arm can bear before it breaks its promise: ladder, then bisection."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from loadtests.lab.measuring.measurement import COPY, RunSpec, read_run_files, run_load
from loadtests.lab.results.model import Step
from loadtests.lab.results.results_store import CAPACITY_FOLDER
from loadtests.lab.results.summary import summarize_modules
from loadtests.lab.servers.database_templates import PreparedArm
from loadtests.lab.servers.lab_servers import LabServers
from loadtests.lab.servers.quiesce import wait_until_idle
from loadtests.lab.servers.topologies import RunningArm, running_arm
from loadtests.lab.verdict.thresholds import Thresholds

FIRST_RATE: Final = 25.0
HIGHEST_RATE: Final = 5_000.0
GOOD_SHARE: Final = 0.98
"""Of the arrivals of a step, answered within the promise: below it the arm is beyond its capacity."""
CLOSE_ENOUGH: Final = 1.08


@dataclass(frozen=True)
class StepLengths:
    """Seconds: of a rung of the ladder, of a step of the bisection, and how many of those there are at the most."""

    rung: float
    bisection: float
    bisections: int


class RateProbe(Protocol):
    """Whoever answers steady rates."""

    def ask(self, rate: float, seconds: float) -> Step:
        """What becomes of so many scheduling requests a second."""


class CapacityProbe:
    """Asks an arm that runs."""

    def __init__(
        self,
        arm_name: str,
        arm: RunningArm,
        ground: LabServers,
        prepared: PreparedArm,
        folder: Path,
        thresholds: Thresholds,
    ) -> None:
        self._name = arm_name
        self._arm = arm
        self._ground = ground
        self._prepared = prepared
        self._folder = folder
        self._thresholds = thresholds
        self.steps: list[Step] = []

    def ask(self, rate: float, seconds: float) -> Step:
        """A steady rate, after a second of warming up."""
        # Mails and invoices of one rate would else be work of the next: a rate too high made all after it fail.
        wait_until_idle(self._arm.pids)
        number = len(self.steps)
        folder = self._folder / CAPACITY_FOLDER / f"{self._name.replace(chr(39), '-again')}-{number:02}"
        folder.mkdir(parents=True, exist_ok=True)
        spec = RunSpec(0, number, self._name, "idle", 0.0, rate, seconds, 1.0, 9_000 + number)
        run_load(spec, self._ground, self._arm, self._prepared, folder)
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
    arm_name: str, ground: LabServers, prepared: PreparedArm, folder: Path, thresholds: Thresholds
) -> Iterator[CapacityProbe]:
    """On fresh databases, which grow from step to step."""
    topology = prepared.topology
    with ground.copied(topology.home, topology.template, COPY), running_arm(topology, ground, COPY) as arm:
        yield CapacityProbe(arm_name, arm, ground, prepared, folder, thresholds)


def find_capacity(asked: RateProbe, lengths: StepLengths, say: Callable[[Step], None]) -> float:
    """Doubles the rate until the arm fails, then halves what is between, on a logarithmic scale. A rate is beyond the
    arm when it failed twice in a row: whatever else the machine did in one step is not the arm's."""

    def holds(rate: float, seconds: float) -> bool:
        return any(bears(rate, seconds) for _ in range(2))

    def bears(rate: float, seconds: float) -> bool:
        step = asked.ask(rate, seconds)
        say(step)
        return step.good >= GOOD_SHARE

    good, bad = 0.0, FIRST_RATE
    while bad < HIGHEST_RATE and holds(bad, lengths.rung):
        good, bad = bad, bad * 2
    if not good:
        good = bad / 8
    for _ in range(lengths.bisections):
        if bad / good <= CLOSE_ENOUGH:
            break
        middle = math.sqrt(good * bad)
        if holds(middle, lengths.bisection):
            good = middle
        else:
            bad = middle
    return good
