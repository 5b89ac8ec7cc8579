"""The search for an arm's capacity: rates on a grid, until a rate that keeps the promises is next to one that does not.

A pure rule from the trials so far to the next rate: it resumes from recorded trials, and two searches can run side by
side.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from loadtests.lab.verdict.thresholds import SearchRules

MIN_RATE: Final = 0.5
MAX_RATE: Final = 5_000.0


class Bracket(NamedTuple):
    """The result of one search, in scheduling arrivals a second.

    The arm kept its promises at `kept` and not at `broken`; None where no such rate was found.
    """

    kept: float | None
    broken: float | None

    @property
    def complete(self) -> bool:
        return self.kept is not None and self.broken is not None

    @property
    def capacity(self) -> float | None:
        """The geometric mean of both rates; None for an incomplete search."""
        if self.kept is None or self.broken is None:
            return None
        return math.sqrt(self.kept * self.broken)


@dataclass
class CapacitySearch:
    """A search on the grid `start * step ** n`; record each trial, then ask for the next rate."""

    start: float
    rules: SearchRules
    _outcomes: list[tuple[int, bool | None]] = field(default_factory=list)

    def record(self, rate: float, kept: bool | None) -> None:
        """Record a trial; None for one that does not count."""
        self._outcomes.append((self._level(rate), kept))

    def next_rate(self) -> float | None:
        """Return the rate of the next trial, or None when the search is over."""
        level = self._next_level()
        return None if level is None else self._rate(level)

    def bracket(self) -> Bracket:
        """Return the highest rate that kept the promises below the lowest that did not."""
        kept, broken = self._settled()
        below = [level for level in kept if not broken or level < min(broken)]
        return Bracket(
            self._rate(max(below)) if below else None,
            self._rate(min(broken)) if broken else None,
        )

    def _next_level(self) -> int | None:
        kept, broken = self._settled()
        highest = max((level for level in kept if not broken or level < min(broken)), default=None)
        lowest = min(broken, default=None)
        if highest is not None and lowest is not None:
            level: int | None = (highest + lowest) // 2 if lowest - highest > 1 else None
        elif highest is not None:
            level = min(highest + _stride(kept), self._level(MAX_RATE))
        elif lowest is not None:
            level = max(lowest - _stride(broken), self._level(MIN_RATE))
        else:
            level = 0
        return None if level is None or level in kept | broken or self._failed(level) else level

    def _settled(self) -> tuple[set[int], set[int]]:
        """Return the levels that kept the promises at least once, and those that broke them in every attempt."""
        kept = {level for level, outcome in self._outcomes if outcome}
        found: Mapping[int, int] = {
            level: sum(outcome is False for each, outcome in self._outcomes if each == level)
            for level, _ in self._outcomes
        }
        return kept, {level for level, count in found.items() if level not in kept and count >= self.rules.attempts}

    def _failed(self, level: int) -> bool:
        """Return whether too many trials of a level did not count."""
        return sum(each == level and outcome is None for each, outcome in self._outcomes) > self.rules.repeats

    def _level(self, rate: float) -> int:
        return round(math.log(rate / self.start) / math.log(self.rules.step))

    def _rate(self, level: int) -> float:
        return self.start * self.rules.step**level


def _stride(settled: Sequence[int] | set[int]) -> int:
    """Return the distance to the next level: it doubles, since a prediction may be far off."""
    return int(2 ** (len(settled) - 1))
