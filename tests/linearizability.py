"""Checks a concurrent history against a sequential specification (Wing and Gong 1993, with the cache of Lowe 2017).

A history is linearizable if its operations can be put into one order in which each gives the result that its caller
got, and in which an operation that returned before another was invoked comes first. An operation whose outcome is
unknown may have taken effect at any moment after it was invoked, or never.
"""

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

S = TypeVar("S", bound=Hashable)

NEVER = math.inf
"""The return of an operation whose outcome is unknown."""


class Effect(Protocol[S]):
    """The states that an operation may leave behind in a state, given its result; none if the result contradicts it."""

    def __call__(self, state: S, /) -> Iterable[S]: ...


@dataclass(frozen=True)
class Operation(Generic[S]):
    """One call. `invoked` and `returned` are moments of one monotonic clock; `text` is for the reader of a failure."""

    text: str
    invoked: float
    returned: float
    effect: Effect[S]

    @property
    def is_known(self) -> bool:
        return self.returned != NEVER


def linearization(history: Sequence[Operation[S]], initial: S) -> list[Operation[S]] | None:
    """Return an order that explains the history, or None if there is none.

    The order contains every operation with a known outcome, and those of unknown outcome that it needs. The time is
    exponential in the number of concurrent operations, not in the length of the history.
    """
    operations = sorted(history, key=lambda operation: operation.invoked)
    required = sum(1 << place for place, operation in enumerate(operations) if operation.is_known)
    seen: set[tuple[int, S]] = set()
    # Each entry: the operations in the order so far, as bits; the state after them; the order.
    open_paths: list[tuple[int, S, tuple[int, ...]]] = [(0, initial, ())]
    while open_paths:
        done, state, order = open_paths.pop()
        if done & required == required:
            return [operations[place] for place in order]
        for place in _next(operations, done):
            for after in operations[place].effect(state):
                path = (done | 1 << place, after)
                if path not in seen:
                    seen.add(path)
                    open_paths.append((*path, (*order, place)))
    return None


def _next(operations: Sequence[Operation[S]], done: int) -> list[int]:
    """Return the operations that may come next: those that no remaining operation precedes in real time."""
    candidates: list[int] = []
    earliest_return = NEVER
    for place, operation in enumerate(operations):
        if done & 1 << place:
            continue
        if operation.invoked > earliest_return:
            break
        candidates.append(place)
        earliest_return = min(earliest_return, operation.returned)
    return candidates
