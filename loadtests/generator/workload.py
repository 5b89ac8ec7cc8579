"""What a generator plays: who arrives when, at whose door, and for which business."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from random import Random
from typing import Final

import msgspec

from loadtests.generator.api_client import LoadError
from loadtests.generator.arrivals import Arrival, constant_rate
from loadtests.generator.businesses import LoadBusiness, sign_in
from loadtests.generator.hot_slots import HotSlots
from loadtests.generator.journeys import BusinessState, plan_arrivals
from loadtests.generator.scenarios import find_scenario

ANY_MODULE = "*"
WARM_UP_SHARE: Final = 0.15
"""Of the full rate, while caches and connections become warm: cold servers bear less."""
PAUSE_SHARE: Final = 0.2
"""Of the warm-up, at its end: nobody comes, so that what the warm-up left is not in the first second that counts."""


class SignedInBusiness(msgspec.Struct, frozen=True):
    """A business and those who are signed in to it."""

    business: LoadBusiness
    cookies: list[str]
    staff_cookie: str

    def premises(self) -> BusinessState:
        return BusinessState(self.business, list(self.cookies), self.staff_cookie)


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """`rate` is scheduling requests a second at the height of the scenario. `hosts` are base addresses by module, `*`
    for those not named; several are asked in turn, as a proxy would. What is due before 0 s is warm-up."""

    scenario: str
    rate: float
    seconds: float
    seed: int
    hosts: dict[str, list[str]]
    opened: list[SignedInBusiness]
    warm_up_seconds: float = 0.0

    def arrivals(self) -> list[Arrival]:
        """Ascending; those of the warm-up, from other seeds, have negative times. Raises LoadError for a scenario that
        is not there."""
        try:
            shape = find_scenario(self.scenario).shape(self.seconds)
        except LookupError as error:
            raise LoadError(str(error)) from error
        warm_up = self.warm_up_seconds
        lasts = warm_up * (1 - PAUSE_SHARE)
        warming = (
            plan_arrivals(self.rate * WARM_UP_SHARE, lasts, self.seed + 1_000_003, constant_rate) if warm_up else []
        )
        warm = [Arrival(at - warm_up, journey) for at, journey in warming]
        return [*warm, *plan_arrivals(self.rate, self.seconds, self.seed, shape)]


@dataclass
class HostRotation:
    """Which address the next request of a module goes to."""

    hosts: Mapping[str, Sequence[str]]
    _turns: dict[str, "cycle[str]"] = field(default_factory=dict)

    def next(self, module: str) -> str:
        known = module if module in self.hosts else ANY_MODULE
        if known not in self._turns:
            self._turns[known] = cycle(self.hosts[known])
        return next(self._turns[known])


def business_states(play: Workload, arrivals: Sequence[Arrival]) -> list[BusinessState]:
    """The businesses that are played for; their bookers meet as the scenario says, if it says so."""
    premises, crowd = [each.premises() for each in play.opened], find_scenario(play.scenario).crowd
    if crowd is not None:
        bookers = sum(arrival.journey == "book" for arrival in arrivals) / len(premises)
        for each in premises:
            each.favourites = HotSlots(crowd, bookers)
    return premises


def sign_in_all(host: str, businesses: Sequence[LoadBusiness]) -> list[SignedInBusiness]:
    """Raises LoadError."""
    return [
        SignedInBusiness(
            business,
            [sign_in(host, customer) for customer in business.customers],
            sign_in(host, business.staff),
        )
        for business in businesses
    ]


def shard_of(arrivals: Sequence[Arrival], index: int, shares: int) -> list[Arrival]:
    """What one of several processes sends: every `shares`-th arrival, beginning with its own."""
    return list(arrivals[index::shares])


def seeded_random(seed: int) -> Random:
    """For all choices within a run: the same seed, the same choices in the same order of arrivals."""
    return Random(f"{seed}:choices")
