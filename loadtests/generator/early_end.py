"""End a load early once it is certain that a module does not keep its promise; it saves most of an overloaded trial."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from loadtests.generator.arrivals import Arrival
from loadtests.generator.journeys import JOURNEYS, SESSIONS
from loadtests.generator.rows import RequestRow


class EarlyEnd(msgspec.Struct, frozen=True, kw_only=True):
    """The load ends when a module has missed more than `share` of its planned requests, and at least `fewest`.

    `limits_ms` are by module, from the intended start; modules without a limit do not count.
    """

    limits_ms: dict[str, float]
    share: float
    fewest: int


class MissCounter:
    """Counts the requests that were not answered properly within their limit, by module."""

    def __init__(self, rules: EarlyEnd, arrivals: Sequence[Arrival]) -> None:
        planned = Counter(
            JOURNEYS[step].module
            for arrival in arrivals
            if arrival.at >= 0
            for step in SESSIONS.get(arrival.journey, (arrival.journey,))
        )
        self._limits = {module: limit / 1000 for module, limit in rules.limits_ms.items()}
        self._most = {module: max(rules.fewest, rules.share * planned[module]) for module in rules.limits_ms}
        self._missed: Counter[str] = Counter()

    def is_hopeless(self, row: RequestRow, began: float) -> bool:
        """Count a row; return whether its module has missed too many. Rows of the warm-up do not count."""
        limit = self._limits.get(row.module)
        if limit is None or row.due < began:
            return False
        if not row.answered_properly or row.latency > limit:
            self._missed[row.module] += 1
        return self._missed[row.module] > self._most[row.module]
