"""The order of a laboratory: stages, each a start of the servers with one arm or two side by side."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from loadtests.lab.planning.arms import BASELINE
from loadtests.lab.verdict.sequential import williams_order

ReasonNotPaired = Callable[[str, str], str | None]


class Stage(NamedTuple):
    """`name` is unique in a laboratory; `block` is 0 before the blocks."""

    name: str
    block: int
    arms: tuple[str, ...]


DEMAND_STAGE = Stage("demands", 0, (BASELINE,))


def stages_alone(searches: int) -> list[Stage]:
    """Return the searches with M1 alone."""
    return [Stage(f"alone-{number}", 0, (BASELINE,)) for number in range(1, searches + 1)]


def stages_of_block(arms: Sequence[str], block: int, reason_not_paired: ReasonNotPaired) -> list[Stage]:
    """Return the stages of a block: each arm next to M1 where both fit, else M1 and the arms in sequence.

    The order is that of a Williams square, so that two arms that do not fit alternate ABBA.
    """
    others = [arm for arm in arms if arm != BASELINE]
    has_baseline = BASELINE in arms
    paired = [arm for arm in others if has_baseline and reason_not_paired(BASELINE, arm) is None]
    units: list[tuple[str, ...]] = [(BASELINE, arm) for arm in paired]
    units += [(arm,) for arm in others if arm not in paired]
    if has_baseline and (len(paired) < len(others) or not others):
        units.insert(0, (BASELINE,))
    keys = ["+".join(unit) for unit in units]
    order = williams_order(keys, block - 1)
    return [_stage(block, units[keys.index(key)]) for key in order]


def _stage(block: int, arms: tuple[str, ...]) -> Stage:
    names = "-".join(arm.replace("'", "-again") for arm in arms)
    return Stage(f"block-{block}-{names}", block, arms)
