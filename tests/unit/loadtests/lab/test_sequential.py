"""Looks that spend a registered error, and the order of the arms."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest

from loadtests.lab.measuring.capacity import Bracket
from loadtests.lab.planning.plan import stages_of_block
from loadtests.lab.verdict.capacities import estimate_capacity
from loadtests.lab.verdict.sequential import latest_look, next_look, planned_looks, williams_order
from tests.unit.loadtests.lab.laboratories import THRESHOLDS

RULES = THRESHOLDS.statistics


def test_looks_spend_exactly_the_registered_error() -> None:
    looks = planned_looks(RULES)
    assert [look.blocks for look in looks] == [4, 6, 8]
    assert sum(look.error for look in looks) + RULES.error_alone == pytest.approx(RULES.error)
    assert all(look.error > 0 for look in looks)


@pytest.mark.parametrize(("blocks", "latest", "following"), [
    (0, None, 4), (3, None, 4), (4, 4, 6), (5, 4, 6), (6, 6, 8), (7, 6, 8), (8, 8, None), (20, 8, None),
])  # fmt: skip
def test_results_are_evaluated_at_registered_looks_only(blocks: int, latest: int | None, following: int | None) -> None:
    """More blocks than those of a look do not count before the next one: no "run more and judge again"."""
    assert getattr(latest_look(blocks, RULES), "blocks", None) == latest
    assert getattr(next_look(blocks, RULES), "blocks", None) == following


def test_a_true_boundary_is_crossed_no_more_often_than_registered() -> None:
    """1,000 laboratories of an arm whose capacity is exactly the demand, with three looks each."""
    chance, wrong, laboratories = Random(7), 0, 1_000
    for _ in range(laboratories):
        middles = [100 * 2 ** chance.gauss(0, 0.06) for _ in range(8)]
        brackets = [Bracket(middle / 1.0001, middle * 1.0001) for middle in middles]
        found = [estimate_capacity(brackets[: look.blocks], look.error) for look in planned_looks(RULES)]
        wrong += any(not each.low <= 100 <= each.high for each in found)
    assert wrong / laboratories < RULES.error


@pytest.mark.parametrize("count", [2, 3, 4, 5, 8, 9])
def test_williams_square_balances_places_and_predecessors(count: int) -> None:
    names = [chr(65 + number) for number in range(count)]
    blocks = [williams_order(names, block) for block in range(2 * count if count % 2 else count)]
    places = Counter((place, name) for block in blocks for place, name in enumerate(block))
    followers = Counter(pair for block in blocks for pair in pairwise(block))
    assert len(places) == count**2
    assert len(followers) == count * (count - 1)
    assert len(set(places.values())) == len(set(followers.values())) == 1


def test_two_arms_that_do_not_fit_alternate_abba() -> None:
    order = [
        arm
        for block in (1, 2)
        for stage in stages_of_block(("M1", "X"), block, lambda _one, _other: "too small")
        for arm in stage.arms
    ]
    assert order == ["M1", "X", "X", "M1"]


def test_arms_that_fit_run_beside_m1() -> None:
    stages = stages_of_block(("M1", "MB", "X"), 1, lambda _one, _other: None)
    assert [stage.arms for stage in stages] == [("M1", "MB"), ("M1", "X")]


def test_m1_runs_alone_too_when_one_arm_does_not_fit_beside_it() -> None:
    stages = stages_of_block(("M1", "MB", "X"), 1, lambda _one, other: "too large" if other == "X" else None)
    assert sorted(stage.arms for stage in stages) == [("M1",), ("M1", "MB"), ("X",)]
