"""Arrival schedules: made in advance from a seed, so that no response, however late, can delay an arrival.

A closed loop of virtual users waits for slow responses, so it sends less when the server stalls, and hides the stall
(coordinated omission). Customers of a booking site do not wait for one another: their arrivals are a Poisson process.
"""

import math
import random
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

Shape = Callable[[float], float]
"""Maps a moment of the run, as a share (0 to 1) of its length, to a share (0 to 1) of the full rate."""


class Arrival(NamedTuple):
    """`at` is in seconds from the beginning of the run; `journey` names the request or the session that begins.

    `number` is the position in the whole schedule, and seeds all choices of this arrival; negative in the warm-up.
    """

    at: float
    journey: str
    number: int = 0


def numbered(arrivals: Sequence[Arrival], first: int = 0) -> list[Arrival]:
    """Return the arrivals in their order, with ascending numbers from `first` on."""
    return [Arrival(at, journey, number) for number, (at, journey, _) in enumerate(arrivals, first)]


def constant_rate(_moment: float) -> float:
    """Return the full rate at every moment."""
    return 1.0


def peak_hour(moment: float) -> float:
    """Return a fifth of the full rate at the ends, a cosine ramp, and a plateau that lasts half the run."""
    edge = min(moment, 1 - moment) / 0.25
    return 1.0 if edge >= 1 else 0.2 + 0.8 * (1 - math.cos(math.pi * edge)) / 2


def poisson_schedule(rates: Mapping[str, float], shape: Shape, seconds: float, seed: int) -> list[Arrival]:
    """Return the arrivals in [0, seconds), ascending: an independent Poisson process for each journey.

    `rates` are arrivals per second at the full rate, by journey. Equal arguments give equal schedules, and a journey's
    arrivals do not depend on the other journeys.
    """
    found = [
        Arrival(at, journey)
        for journey, rate in rates.items()
        for at in _process(rate, shape, seconds, random.Random(f"{seed}:{journey}"))
    ]
    return sorted(found)


def _process(rate: float, shape: Shape, seconds: float, chance: random.Random) -> list[float]:
    """Generate a homogeneous process at the full rate, and thin it to the shape."""
    found: list[float] = []
    at = chance.expovariate(rate) if rate > 0 else seconds
    while at < seconds:
        if chance.random() < shape(at / seconds):
            found.append(at)
        at += chance.expovariate(rate)
    return found
