"""When requests arrive: a schedule made beforehand from a seed, which no answer, however late, can delay.

A closed loop of virtual users waits for slow answers, so it asks less just when asking hurts, and hides the stall.
People at a booking site do not wait for one another: their arrivals are a Poisson process, and the schedule is kept.
"""

import math
import random
from collections.abc import Callable, Mapping
from typing import NamedTuple

Shape = Callable[[float], float]
"""The share (0 to 1) of the full rate at a moment of the run, given as a share (0 to 1) of its length."""


class Arrival(NamedTuple):
    """`at` is in seconds from the beginning of the run; `journey` names what is asked then."""

    at: float
    journey: str


def constant_rate(_moment: float) -> float:
    """The same rate throughout."""
    return 1.0


def peak_hour(moment: float) -> float:
    """A fifth of the full rate at first, a rise to all of it, half the run on that plateau, and the fall."""
    edge = min(moment, 1 - moment) / 0.25
    return 1.0 if edge >= 1 else 0.2 + 0.8 * (1 - math.cos(math.pi * edge)) / 2


def poisson_schedule(rates: Mapping[str, float], shape: Shape, seconds: float, seed: int) -> list[Arrival]:
    """Arrivals in [0, seconds), ascending: for each journey a Poisson process of its own.

    `rates` are arrivals per second at the full rate. The same arguments give the same schedule, and a journey's
    arrivals do not depend on the other journeys in the mix.
    """
    found = [
        Arrival(at, journey)
        for journey, rate in rates.items()
        for at in _process(rate, shape, seconds, random.Random(f"{seed}:{journey}"))
    ]
    return sorted(found)


def _process(rate: float, shape: Shape, seconds: float, chance: random.Random) -> list[float]:
    """A process at the full rate, thinned to the shape."""
    found: list[float] = []
    at = chance.expovariate(rate) if rate > 0 else seconds
    while at < seconds:
        if chance.random() < shape(at / seconds):
            found.append(at)
        at += chance.expovariate(rate)
    return found
