"""A crowd that wants the same few slots: tickets go on sale, and most come too late."""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from random import Random
from typing import Generic, NamedTuple, TypeVar

Slot = TypeVar("Slot")


class Contention(NamedTuple):
    """How bookers meet: `contenders` want each slot that is wanted at all, slots are wanted by Zipf's law of that
    exponent, and whoever was too late asks for another one, `retries` times at the most."""

    contenders: int
    zipf: float
    retries: int


class HotSlots(Generic[Slot]):
    """The first slots that anybody was offered: as many as `bookers` fill with contenders, the most wanted first."""

    def __init__(self, crowd: Contention, bookers: float) -> None:
        self.retries = crowd.retries
        self._size = max(1, round(bookers / crowd.contenders))
        self._slots: list[Slot] = []
        self._weights = list(accumulate(1 / rank**crowd.zipf for rank in range(1, self._size + 1)))

    def learn(self, offered: Iterable[Slot]) -> None:
        """Keeps what is new until there are as many as are wanted; then the crowd has made up its mind."""
        for slot in offered:
            if len(self._slots) == self._size:
                return
            if slot not in self._slots:
                self._slots.append(slot)

    @property
    def slots(self) -> Sequence[Slot]:
        return self._slots

    def choose(self, chance: Random) -> Slot | None:
        """None while nobody has been offered anything."""
        if not self._slots:
            return None
        return chance.choices(self._slots, cum_weights=self._weights[: len(self._slots)])[0]
