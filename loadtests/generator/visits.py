"""The state behind requests: of a business, from all responses, and of one visit, from its own responses.

Every visit has a random source of its own, seeded by the run's seed and the arrival's number. Two systems that receive
the same schedule therefore receive the same choices for each arrival, at any response times. A choice among
items that responses returned (slots, appointments) depends on the set of these items as little as possible: a visit
ranks all possible items, and takes the first that is known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple, TypeVar
from zlib import crc32

from loadtests.generator.businesses import LoadBusiness
from loadtests.generator.hot_slots import HotSlots

DAYS_AHEAD = 28
MAX_REMEMBERED = 500

Item = TypeVar("Item")


class OfferedSlot(NamedTuple):
    provider_id: str
    starts_at: str


class BookedAppointment(NamedTuple):
    appointment_id: str
    provider_id: str
    version: int
    cookie: str | None


@dataclass
class BusinessState:
    """The generator's knowledge of one business: recently offered slots and booked appointments.

    Shared by all greenlets. With `hot_slots`, bookings choose among those, else among all offered slots. `day_weights`
    are the weights of the next days among searches, tomorrow first. `appointments` are by the arrival that booked them.
    """

    business: LoadBusiness
    cookies: list[str]
    staff_cookie: str
    offers: dict[int, OfferedSlot] = field(default_factory=dict)
    appointments: dict[int, BookedAppointment] = field(default_factory=dict)
    hot_slots: HotSlots[OfferedSlot] | None = None
    day_weights: Sequence[float] = (1.0,) * DAYS_AHEAD

    @property
    def path(self) -> str:
        return f"/api/v1/businesses/{self.business.slug}"

    def remember_offers(self, offered: Iterable[OfferedSlot]) -> dict[int, OfferedSlot]:
        """Remember offered slots; return them by a key that does not depend on the provider's id."""
        keyed = {self._key(slot): slot for slot in offered}
        for key, slot in keyed.items():
            self.offers.pop(key, None)
            self.offers[key] = slot
        _forget_oldest(self.offers)
        if self.hot_slots is not None:
            self.hot_slots.add(keyed.values())
        return keyed

    def remember_booking(self, arrival: int, booked: BookedAppointment) -> None:
        self.appointments[arrival] = booked
        _forget_oldest(self.appointments)

    def _key(self, slot: OfferedSlot) -> int:
        providers = self.business.providers
        provider = providers.index(slot.provider_id) if slot.provider_id in providers else -1
        return crc32(f"{provider}:{slot.starts_at}".encode())


@dataclass
class LoadVisit:
    """One person's visit, from one arrival: a single request, or a session of several.

    `offers` are the slots that the visit's own search returned, by key; `held` is the slot that it holds.
    """

    state: BusinessState
    chance: Random
    arrival: int = 0
    offers: dict[int, OfferedSlot] = field(default_factory=dict)
    held: BookedAppointment | None = None

    def __post_init__(self) -> None:
        self._customer = self.chance.random()
        self._preference = self.chance.getrandbits(32)

    @property
    def cookie(self) -> str:
        """The session cookie of the customer, who stays the same during the visit."""
        return self.state.cookies[int(self._customer * len(self.state.cookies))]

    def preferred(self, items: Mapping[int, Item]) -> int | None:
        """Return the key of the item that ranks first in this visit's order of all possible keys; None without items.

        An item that only one of two systems has returned changes the choice only if it ranks first.
        """
        return min(items, key=lambda key: hash((self._preference, key)), default=None)


def begin_visit(states: Sequence[BusinessState], seed: int, arrival: int) -> LoadVisit:
    """Return the visit of an arrival. Equal seeds and numbers give equal choices."""
    chance = Random(f"{seed}:visit:{arrival}")
    return LoadVisit(chance.choice(states), chance, arrival)


def _forget_oldest(remembered: dict[int, Item]) -> None:
    while len(remembered) > MAX_REMEMBERED:
        del remembered[next(iter(remembered))]
