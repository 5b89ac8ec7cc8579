"""Scenarios: the shape of the load over a run, as shares of the peak, and the contention for slots.

A scenario has no absolute rates. They are scaled to the machine's capacity (R*), so that a laptop and a server run the
same experiment.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from loadtests.generator.arrivals import Shape, constant_rate, peak_hour
from loadtests.generator.hot_slots import Contention

PEAK_BY_MEAN: Final = 3.6
"""Ratio of the busiest hour to the mean of a day of bookings."""
STAMPEDE_FACTOR: Final = 10.0
STAMPEDE_RISE_SECONDS: Final = 2.0
STAMPEDE_DECAY_SECONDS: Final = 20.0

_PLATEAU, _EDGE = 0.12, 0.08
"""Shares of the day: the plateau of the peak, and each of its ramps."""
_FLOOR: Final = (1 / PEAK_BY_MEAN - _PLATEAU - _EDGE) / (1 - _PLATEAU - _EDGE)
"""Rate of the rest of the day, which makes the mean 1 / PEAK_BY_MEAN."""


class Scenario(NamedTuple):
    """`shape` returns the shape of a run of the given length. The full rate is `load` times the forecast peak, unless
    the laboratory sets another one."""

    name: str
    description: str
    shape: Callable[[float], Shape]
    seconds: float
    load: float = 1.0
    contention: Contention | None = None


def daily_peak(moment: float) -> float:
    """Return a day: a low floor, a cosine ramp, a plateau in the middle, and the ramp down. Its mean is 1 / 3.6."""
    from_plateau = abs(moment - 0.5) - _PLATEAU / 2
    if from_plateau <= 0:
        return 1.0
    if from_plateau >= _EDGE:
        return _FLOOR
    return _FLOOR + (1 - _FLOOR) * (1 + math.cos(math.pi * from_plateau / _EDGE)) / 2


def stampede(seconds: float) -> Shape:
    """Return a shape with a tenfold rise within two seconds, at a fifth of the run, and an exponential decay."""
    begins, floor = seconds / 5, 1 / STAMPEDE_FACTOR

    def shape(moment: float) -> float:
        since = moment * seconds - begins
        if since < 0:
            return floor
        if since < STAMPEDE_RISE_SECONDS:
            return floor + (1 - floor) * since / STAMPEDE_RISE_SECONDS
        return floor + (1 - floor) * math.exp(-(since - STAMPEDE_RISE_SECONDS) / STAMPEDE_DECAY_SECONDS)

    return shape


def step_ladder(steps: int) -> Shape:
    """Return a staircase with steps of equal length and height."""
    return lambda moment: (min(steps - 1, int(moment * steps)) + 1) / steps


SCENARIOS: Mapping[str, Scenario] = {
    each.name: each
    for each in (
        Scenario("steady", "a constant rate", lambda seconds: constant_rate, 40.0),
        Scenario("idle", "an hour with little load", lambda seconds: constant_rate, 60.0, load=0.1),
        Scenario("peak_hour", "an hour with a rise, a plateau and a fall", lambda seconds: peak_hour, 60.0),
        Scenario("daily_peak", "a day with its busiest hour in the middle", lambda seconds: daily_peak, 120.0),
        Scenario(
            "stampede",
            "tickets go on sale: a tenfold rise within two seconds, and contention for few slots",
            stampede,
            90.0,
            contention=Contention(contenders=8, zipf=1.1, retries=2),
        ),
        Scenario("step_ladder", "rising steps, to find the capacity", lambda seconds: step_ladder(8), 120.0),
    )
}


def find_scenario(name: str) -> Scenario:
    """Raises LookupError, with the available names."""
    found = SCENARIOS.get(name)
    if found is None:
        raise LookupError(f"unknown scenario {name!r}; available: {', '.join(SCENARIOS)}")
    return found
