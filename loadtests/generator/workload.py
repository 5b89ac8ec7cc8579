"""The workload of one run: arrivals, addresses and signed-in businesses."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from loadtests.generator.api_client import LoadError
from loadtests.generator.arrivals import Arrival, Shape, constant_rate, numbered
from loadtests.generator.businesses import LoadBusiness, sign_in
from loadtests.generator.early_end import EarlyEnd
from loadtests.generator.hot_slots import HotSlots
from loadtests.generator.journeys import (
    BACKGROUND_RATES,
    SCHEDULING_MIX,
    plan_arrivals,
    zipf_weights,
)
from loadtests.generator.quantities import require_name
from loadtests.generator.scenarios import find_scenario
from loadtests.generator.visits import BusinessState

ANY_MODULE = "*"
BOOKING: Final = frozenset({"book", "reserve"})
WARM_UP_SHARE: Final = 0.15
"""Rate of the warm-up, as a share of the full rate; cold servers have less capacity."""
PAUSE_SHARE: Final = 0.2
"""Pause at the end of the warm-up, as a share of its length, so that its last requests finish before 0 s."""


class SignedInBusiness(msgspec.Struct, frozen=True):
    """A business with the session cookies of its customers and of its staff."""

    business: LoadBusiness
    cookies: list[str]
    staff_cookie: str

    def new_state(self) -> BusinessState:
        return BusinessState(self.business, list(self.cookies), self.staff_cookie)


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """`rate` is scheduling arrivals a second at the scenario's full rate.

    `hosts` are base addresses by module, with `*` for all others; several addresses share the requests, as behind a
    load balancer that prefers the one with the fewest in flight. Arrivals before 0 s are the warm-up. `mix` (weights of
    scheduling's journeys and sessions) and `background` (arrivals a second of the others) replace the defaults.
    `day_zipf` is the exponent of the popularity of days among searches. The scheduling rate rises linearly from 0
    during the first `rise_seconds`.
    """

    scenario: str
    rate: float
    seconds: float
    seed: int
    hosts: dict[str, list[str]]
    businesses: list[SignedInBusiness]
    warm_up_seconds: float = 0.0
    mix: dict[str, float] = {}
    background: dict[str, float] = {}
    day_zipf: float = 0.0
    early_end: EarlyEnd | None = None
    rise_seconds: float = 0.0

    def arrivals(self) -> list[Arrival]:
        """Return the arrivals, ascending; those of the warm-up have negative times and numbers and another seed.

        Raises LoadError for an unknown scenario, journey or session.
        """
        return [*self._warm_up(), *self._plan(self.rate, self.seconds, self.seed, self.shape())]

    def shape(self) -> Shape:
        """Return the shape of scheduling's rate. Raises LoadError for an unknown scenario."""
        try:
            shape = find_scenario(self.scenario).shape(self.seconds)
        except LookupError as error:
            raise LoadError(str(error)) from error
        if not self.rise_seconds:
            return shape
        return lambda moment: shape(moment) * min(1.0, moment * self.seconds / self.rise_seconds)

    def _plan(self, rate: float, seconds: float, seed: int, shape: Shape) -> list[Arrival]:
        mix, background = self.mix or SCHEDULING_MIX, self.background or BACKGROUND_RATES
        for name in (*mix, *background):
            require_name(name, "mix", ("journeys", "sessions"))
        return plan_arrivals(rate, seconds, seed, shape, mix=mix, background=background)

    def _warm_up(self) -> list[Arrival]:
        if not self.warm_up_seconds:
            return []
        seconds = self.warm_up_seconds * (1 - PAUSE_SHARE)
        arrivals = self._plan(self.rate * WARM_UP_SHARE, seconds, self.seed + 1_000_003, constant_rate)
        return numbered([each._replace(at=each.at - self.warm_up_seconds) for each in arrivals], -len(arrivals))


@dataclass
class LeastConnections:
    """Distributes the requests of a module over its addresses: each goes to the one with the fewest in flight.

    Among equally busy addresses, the one that was chosen least recently.
    """

    hosts: Mapping[str, Sequence[str]]
    _in_flight: Counter[str] = field(default_factory=Counter, init=False)
    _chosen: dict[str, int] = field(default_factory=dict, init=False)

    def begin(self, module: str) -> str:
        """Return the address for the module's next request, which is in flight until `end`."""
        known = module if module in self.hosts else ANY_MODULE
        address = min(self.hosts[known], key=lambda each: (self._in_flight[each], self._chosen.get(each, -1)))
        self._chosen[address] = max(self._chosen.values(), default=-1) + 1
        self._in_flight[address] += 1
        return address

    def end(self, address: str) -> None:
        """End a request to this address."""
        self._in_flight[address] -= 1


def business_states(workload: Workload, arrivals: Sequence[Arrival]) -> list[BusinessState]:
    """Return the initial state of each business, with hot slots if the scenario has contention."""
    states, contention = [each.new_state() for each in workload.businesses], find_scenario(workload.scenario).contention
    for state in states:
        state.day_weights = zipf_weights(workload.day_zipf)
    if contention is not None:
        bookings = sum(arrival.journey in BOOKING for arrival in arrivals) / len(states)
        for state in states:
            state.hot_slots = HotSlots(contention, bookings)
    return states


def sign_in_all(host: str, businesses: Sequence[LoadBusiness]) -> list[SignedInBusiness]:
    """Sign in customers and staff. Raises LoadError."""
    return [
        SignedInBusiness(
            business,
            [sign_in(host, customer) for customer in business.customers],
            sign_in(host, business.staff),
        )
        for business in businesses
    ]


def shard_of(arrivals: Sequence[Arrival], index: int, shards: int) -> list[Arrival]:
    """Return the arrivals that one of several processes sends: those whose number modulo `shards` is `index`."""
    return [arrival for arrival in arrivals if arrival.number % shards == index]


def restrict(arrivals: list[Arrival], journeys: Collection[str]) -> list[Arrival]:
    """Return the arrivals of these journeys and sessions; their numbers, and so their choices, stay the same."""
    return [arrival for arrival in arrivals if arrival.journey in journeys]
