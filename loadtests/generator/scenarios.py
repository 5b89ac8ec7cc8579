"""The hours that are played: how many come when, as a share of the peak, and how they crowd.

A scenario says nothing about rates. These are scaled to what the machine can do (R*), so that a laptop and a server are
asked the same question.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from loadtests.generator.arrivals import Shape, constant_rate, peak_hour
from loadtests.generator.hot_slots import Contention

PEAK_BY_MEAN: Final = 3.6
"""The busiest hour of a day of bookings, by the day's mean."""
STAMPEDE_FACTOR: Final = 10.0
STAMPEDE_RISE_SECONDS: Final = 2.0
STAMPEDE_DECAY_SECONDS: Final = 20.0

_PLATEAU, _EDGE = 0.12, 0.08
"""Shares of the day: the plateau of the peak, and the way up to it and down."""
_FLOOR: Final = (1 / PEAK_BY_MEAN - _PLATEAU - _EDGE) / (1 - _PLATEAU - _EDGE)
"""What is left for the rest of the day, so that the mean comes out."""


class Scenario(NamedTuple):
    """`shape` makes the shape of a run of so many seconds; its full rate is `load` times the forecast peak unless a
    laboratory says otherwise."""

    name: str
    words: str
    shape: Callable[[float], Shape]
    seconds: float
    load: float = 1.0
    crowd: Contention | None = None


def daily_peak(moment: float) -> float:
    """A day: a low floor, a cosine up to the plateau at its middle, and down again. Its mean is 1 / 3.6."""
    away = abs(moment - 0.5) - _PLATEAU / 2
    if away <= 0:
        return 1.0
    if away >= _EDGE:
        return _FLOOR
    return _FLOOR + (1 - _FLOOR) * (1 + math.cos(math.pi * away / _EDGE)) / 2


def stampede(seconds: float) -> Shape:
    """At a fifth of the run ten times as many come, within two seconds; they become fewer over twenty."""
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
    """As many rungs of equal length and height."""
    return lambda moment: (min(steps - 1, int(moment * steps)) + 1) / steps


SCENARIOS: Mapping[str, Scenario] = {
    each.name: each
    for each in (
        Scenario("idle", "an hour in which few come", lambda seconds: constant_rate, 60.0, load=0.1),
        Scenario("peak_hour", "an hour with a rise, a plateau and a fall", lambda seconds: peak_hour, 60.0),
        Scenario("daily_peak", "a day with its busiest hour in the middle", lambda seconds: daily_peak, 120.0),
        Scenario(
            "stampede",
            "tickets go on sale: ten times as many within two seconds, for few slots",
            stampede,
            90.0,
            crowd=Contention(contenders=8, zipf=1.1, retries=2),
        ),
        Scenario(
            "step_ladder", "more and more, to find what the machine can do", lambda seconds: step_ladder(8), 120.0
        ),
    )
}


def find_scenario(name: str) -> Scenario:
    """Raises LookupError, in one line that names those that there are."""
    found = SCENARIOS.get(name)
    if found is None:
        raise LookupError(f"there is no scenario {name!r}: there are {', '.join(SCENARIOS)}")
    return found
