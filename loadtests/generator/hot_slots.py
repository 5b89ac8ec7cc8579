"""Contention for a few popular slots, as when tickets go on sale: most bookings come too late."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from random import Random
from typing import Generic, NamedTuple, TypeVar

Slot = TypeVar("Slot")


class Contention(NamedTuple):
    """The contention of a scenario.

    `contenders` is the mean number of bookings per hot slot. The popularity of the slots follows Zipf's law with
    exponent `zipf`. A booking that comes too late is retried with another slot, at most `retries` times.
    """

    contenders: int
    zipf: float
    retries: int


class HotSlots(Generic[Slot]):
    """The first slots that a search returned, most popular first; their number follows from `bookings`."""

    def __init__(self, contention: Contention, bookings: float) -> None:
        self.retries = contention.retries
        self._size = max(1, round(bookings / contention.contenders))
        self._slots: list[Slot] = []
        self._weights = list(accumulate(1 / rank**contention.zipf for rank in range(1, self._size + 1)))

    def add(self, offered: Iterable[Slot]) -> None:
        """Add new slots until the set is full; then it stays the same."""
        for slot in offered:
            if len(self._slots) == self._size:
                return
            if slot not in self._slots:
                self._slots.append(slot)

    @property
    def slots(self) -> Sequence[Slot]:
        return self._slots

    def choose(self, chance: Random) -> Slot | None:
        """Choose a slot by popularity; None while there are none."""
        if not self._slots:
            return None
        return chance.choices(self._slots, cum_weights=self._weights[: len(self._slots)])[0]
