"""The order of the runs: randomized blocks with every arm once, all with the same arrivals."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from loadtests.generator.scenarios import find_scenario
from loadtests.lab.results.model import MeasurementConditions, run_folder_name
from loadtests.lab.verdict.thresholds import Thresholds

IDLE = "idle"
WARM_UP_SECONDS = 4.0


@dataclass(frozen=True)
class RunSpec:
    """One run to measure. `rate` is the peak rate in scheduling requests a second, `load` that rate relative to the
    forecast peak."""

    block: int
    place: int
    arm: str
    scenario: str
    load: float
    rate: float
    seconds: float
    warm_up: float
    seed: int

    @property
    def folder(self) -> str:
        """The run's folder, relative to the results folder."""
        return run_folder_name(self.block, self.place, self.arm, self.scenario)


def plan_runs(conditions: MeasurementConditions, thresholds: Thresholds) -> list[RunSpec]:
    """Return every run in order.

    In each block every arm runs the peak, at the forecast times the headroom, and an idle hour; a quick run of the
    laboratory has idle hours in its first block only.
    """
    headroom = thresholds.load.headroom
    return [spec for block in range(conditions.blocks) for spec in _plan_block(block, conditions, headroom)]


def _plan_block(block: int, conditions: MeasurementConditions, headroom: float) -> list[RunSpec]:
    order = list(conditions.arms)
    Random(f"{conditions.seed}:{block}").shuffle(order)
    idle_load = find_scenario(IDLE).load
    hours = [(arm, conditions.scenario, headroom, conditions.seconds) for arm in order]
    if block == 0 or not conditions.quick:
        hours += [(arm, IDLE, idle_load, conditions.idle_seconds) for arm in order]
    return [
        RunSpec(
            block=block,
            place=place,
            arm=arm,
            scenario=name,
            load=load,
            rate=conditions.forecast * load,
            seconds=seconds,
            warm_up=WARM_UP_SECONDS,
            seed=conditions.seed * 1_000 + block,
        )
        for place, (arm, name, load, seconds) in enumerate(hours)
    ]


def remaining_runs(specs: Sequence[RunSpec], done: set[str]) -> list[RunSpec]:
    """Return the runs whose folders are not among those measured."""
    return [spec for spec in specs if spec.folder not in done]
