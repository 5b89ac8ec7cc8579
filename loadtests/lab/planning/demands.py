"""Service demands: the processor time of each role for each journey, and the capacity that they predict.

By the utilization law a role with a budget of B cores, of which a journey uses D core-seconds, sustains at most B / D
journeys a second. The prediction only decides where the search for the capacity begins.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from loadtests.lab.planning.scenario import RegisteredScenario
from loadtests.lab.results.model import Trial

BASE_RATE: Final = 10.0
EXTRA_RATE: Final = 10.0
"""Rates of the demand trials: the base mix alone, then with additional arrivals of one journey.

Lower on a slow machine.
"""
DEMAND_SECONDS: Final = 6.0
"""Longer on a slow machine, for the same number of arrivals."""
DATABASE_ROLES: Final = "postgres-"
"""The beginning of the names of the database servers' roles."""
FOLLOW_UP_ROLES: Final = ("worker", "relay")
FRESH: Final = 0.99
"""With a smaller share in time, the follow-up work of a load was late."""


class Demand(NamedTuple):
    """`cpu_ms` is the processor time of one arrival of the journey in the role."""

    role: str
    journey: str
    cpu_ms: float


class DemandLoad(NamedTuple):
    """A load of `rate` scheduling arrivals a second for so many seconds."""

    scenario: RegisteredScenario
    rate: float
    seconds: float


class Prediction(NamedTuple):
    """`rate` is the predicted capacity in scheduling arrivals a second, `bottleneck` the role that limits it."""

    rate: float
    bottleneck: str


def demand_loads(scenario: RegisteredScenario, ratio: float = 1.0) -> list[DemandLoad]:
    """Return the loads that reveal the demands: the base mix, then more of each journey.

    `ratio` is the speed of the machine relative to the scenario's. A machine half as fast gets half of the rates for
    twice the time: demands can only be measured below the capacity.
    """
    load, slow = scenario.load, min(1.0, ratio)
    total = sum(load.mix.values())
    base = {journey: BASE_RATE * slow * weight / total for journey, weight in load.mix.items()}
    more = [{**base, journey: rate + EXTRA_RATE * slow} for journey, rate in base.items()]
    steady = msgspec.structs.replace(load, shape="steady")
    return [
        DemandLoad(
            msgspec.structs.replace(scenario, load=msgspec.structs.replace(steady, mix=mix)),
            sum(mix.values()),
            DEMAND_SECONDS / slow,
        )
        for mix in (base, *more)
    ]


def solve_demands(trials: Sequence[Trial], journeys: Sequence[str]) -> list[Demand]:
    """Return the demands of the journeys, from trials in the order of `demand_loads`."""
    if len(trials) <= len(journeys):
        return []
    base, found = trials[0], []
    for journey, trial in zip(journeys, trials[1:], strict=False):
        extra = _rate_of(trial, journey) - _rate_of(base, journey)
        for role in base.roles if extra > 0 else ():
            cores = _cores(trial, role) - _cores(base, role)
            found.append(Demand(role, journey, max(0.0, cores / extra * 1000)))
    return found


def predict_capacity(trials: Sequence[Trial], mix: Mapping[str, float]) -> Prediction | None:
    """Return the predicted capacity of the arm; None without budgets or readings."""
    demands = solve_demands(trials, list(mix))
    total, found = sum(mix.values()), []
    for role, reading in (trials[0].roles if demands else {}).items():
        per_arrival = sum(mix[each.journey] / total * each.cpu_ms / 1000 for each in demands if each.role == role)
        if per_arrival > 0 and reading.budget_cores is not None:
            free = reading.budget_cores - _cores(trials[0], role) + trials[0].rate * per_arrival
            found.append(Prediction(max(1.0, free / per_arrival), role))
    return min(found, default=None)


def limiting_role(trial: Trial) -> tuple[str, float] | None:
    """Return the role that used most of its budget during a load, with that share; None without budgets.

    Responses do not wait for the worker and the relay, so these can only limit a load whose follow-up work was late.
    """
    late = any(reading.in_time < FRESH * reading.expected for reading in trial.freshness.values())
    shares = {
        role: reading.used
        for role, reading in trial.roles.items()
        if reading.used is not None and (late or role not in FOLLOW_UP_ROLES)
    }
    return max(shares.items(), key=lambda item: item[1]) if shares else None


def _rate_of(trial: Trial, journey: str) -> float:
    return trial.journeys[journey].arrivals / trial.seconds if journey in trial.journeys else 0.0


def _cores(trial: Trial, role: str) -> float:
    return trial.roles[role].cpu_ms / 1000 / trial.seconds if role in trial.roles else 0.0
