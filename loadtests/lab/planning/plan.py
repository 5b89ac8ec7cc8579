"""Which runs there are, in which order: blocks with every arm once, in seeded random order, with the same arrivals."""

from collections.abc import Sequence
from random import Random

from loadtests.generator.scenarios import find_scenario
from loadtests.lab.measuring.measurement import RunSpec
from loadtests.lab.results.model import Conditions
from loadtests.lab.verdict.thresholds import Thresholds

IDLE = "idle"
WARM_UP_SECONDS = 4.0


def plan_runs(conditions: Conditions, thresholds: Thresholds) -> list[RunSpec]:
    """In a block each arm plays the peak, at the forecast times the headroom, and an idle hour; a quick look has idle
    hours in its first block only."""
    return [spec for block in range(conditions.blocks) for spec in _block(block, conditions, thresholds.load.headroom)]


def _block(block: int, conditions: Conditions, headroom: float) -> list[RunSpec]:
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
    """Those that have not been measured, by the names of their folders."""
    return [spec for spec in specs if spec.folder not in done]
