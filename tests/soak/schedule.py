"""The faults of a seed."""

import random
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

FaultName = Literal[
    "kill monolith worker",
    "kill scheduling worker",
    "kill monolith Postgres",
    "kill scheduling Postgres",
    "pause monolith worker",
    "pause scheduling worker",
    "pause monolith Postgres",
    "pause scheduling Postgres",
    "partition service",
    "partition replication to scheduling",
    "partition replication to monolith",
    "packet loss to the service",
    "packet loss to the databases",
    "lose replies of the service",
    "delay replies of the service",
    "skew the monolith's clock",
    "skew the service's clock",
    "full disk",
]
FAULTS: tuple[FaultName, ...] = get_args(FaultName)
_GAP_SECONDS = (1.0, 4.0)
_LENGTH_SECONDS = (0.3, 2.5)
_QUIET_END_SECONDS = 3.0
"""No fault begins in the last seconds, so that the end finds every process running."""


class PlannedFault(NamedTuple):
    """A fault that begins `at` seconds after the start and lasts `seconds`, where it has a length.

    `choice`, from 0 up to 1, selects how large it is, where that can differ.
    """

    at: float
    name: FaultName
    seconds: float
    choice: float = 0.0


def plan_faults(seed: int, seconds: float, names: Sequence[FaultName] = FAULTS) -> list[PlannedFault]:
    """Return the faults of a run, in order; they do not overlap. Equal arguments give equal faults.

    Every fault comes once in each round of a random order, so that a run of some minutes has all of them.
    """
    chance, planned, round_left = random.Random(seed), list[PlannedFault](), list[FaultName]()
    at = chance.uniform(*_GAP_SECONDS)
    while at < seconds - _QUIET_END_SECONDS:
        if not round_left:
            round_left = chance.sample(list(names), len(names))
        length = round(chance.uniform(*_LENGTH_SECONDS), 2)
        planned.append(PlannedFault(round(at, 2), round_left.pop(), length, chance.random()))
        at += length + chance.uniform(*_GAP_SECONDS)
    return planned
