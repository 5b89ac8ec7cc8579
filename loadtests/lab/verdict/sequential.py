"""Looks at the results during the measurement: each spends a part of the probability of a wrong answer."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from loadtests.lab.verdict.thresholds import StatisticsRules


class Look(NamedTuple):
    """`blocks` of measurements are evaluated with intervals of this `error`, two-sided."""

    blocks: int
    error: float


def planned_looks(rules: StatisticsRules) -> list[Look]:
    """Return all looks. Their errors add up to the registered error, less the part spent before the blocks.

    The spending function is that of Lan and DeMets of Pocock's type. Each look uses its increment as if the looks were
    independent, which is conservative (Bonferroni).
    """
    available, spent, found = rules.error - rules.error_alone, 0.0, []
    for blocks in rules.looks:
        total = available * math.log(1 + (math.e - 1) * blocks / rules.looks[-1])
        found.append(Look(blocks, total - spent))
        spent = total
    return found


def latest_look(complete_blocks: int, rules: StatisticsRules) -> Look | None:
    """Return the last look that these blocks allow; None before the first. Blocks after it are not evaluated."""
    reached = [look for look in planned_looks(rules) if look.blocks <= complete_blocks]
    return reached[-1] if reached else None


def next_look(complete_blocks: int, rules: StatisticsRules) -> Look | None:
    return next((look for look in planned_looks(rules) if look.blocks > complete_blocks), None)


def williams_order(names: Sequence[str], block: int) -> list[str]:
    """Return the order of the arms in a block, by a Williams square.

    Over as many blocks as there are arms (twice as many for an odd number), every arm is at every place equally often
    and follows every other equally often. For two arms, consecutive blocks are ABBA.
    """
    n = len(names)
    if n < 2:
        return list(names)
    first = [0]
    for place in range(1, n):
        first.append((place + 1) // 2 if place % 2 else n - place // 2)
    row = block % (2 * n if n % 2 else n)
    order = [(each + row) % n for each in first]
    if row >= n:
        order.reverse()
    return [names[each] for each in order]
