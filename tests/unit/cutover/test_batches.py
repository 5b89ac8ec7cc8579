"""Cutovers in batches: a failure stops the remaining businesses and no others."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from monolith.cutover.batches import cut_over_in_batches, within_percent
from monolith.cutover.states import State
from monolith.cutover.store.cutovers import Cutover

BUSINESSES = [uuid4() for _ in range(7)]


def moved(business_id: UUID, state: State = "active", problem: str | None = None) -> Cutover:
    now = datetime.now(UTC)
    return Cutover(
        uuid4(), business_id, "monolith", "scheduling", 1, 1, state, 2.0, None, None, "", "", problem, [], now, now
    )


def test_each_batch_is_checked_before_the_next() -> None:
    did: list[str] = []

    def move(business_id: UUID) -> Cutover:
        did.append(f"move {BUSINESSES.index(business_id)}")
        return moved(business_id)

    def check(business_id: UUID) -> None:
        did.append(f"check {BUSINESSES.index(business_id)}")

    outcome = cut_over_in_batches(BUSINESSES[:5], 2, move, check)
    assert did == [
        *("move 0", "move 1", "check 0", "check 1"),
        *("move 2", "move 3", "check 2", "check 3"),
        *("move 4", "check 4"),
    ]
    assert [each.business_id for each in outcome.moved] == BUSINESSES[:5]
    assert (outcome.stopped_by, outcome.left) == (None, [])


def test_failed_cutover_stops_the_remaining_ones() -> None:
    failing = BUSINESSES[3]
    tried: list[UUID] = []

    def move(business_id: UUID) -> Cutover:
        tried.append(business_id)
        return moved(business_id, "aborted", "refused by the test") if business_id == failing else moved(business_id)

    outcome = cut_over_in_batches(BUSINESSES, 2, move, lambda business_id: None)
    assert [each.business_id for each in outcome.moved] == BUSINESSES[:3]
    assert outcome.stopped_by == (failing, "refused by the test")
    assert outcome.left == BUSINESSES[4:]
    assert tried == BUSINESSES[:4]


def test_difference_after_a_cutover_stops_the_next_batch() -> None:
    outcome = cut_over_in_batches(BUSINESSES, 3, moved, lambda each: "differs" if each == BUSINESSES[1] else None)
    assert outcome.stopped_by == (BUSINESSES[1], "differs")
    assert len(outcome.moved) == 3
    assert outcome.left == BUSINESSES[3:]


@pytest.mark.parametrize("percent", [0, 10, 50, 100])
def test_selected_share_matches_the_percentage(percent: float) -> None:
    businesses = [UUID(int=number) for number in range(2_000)]
    share = sum(within_percent(each, percent) for each in businesses) / len(businesses)
    assert share == pytest.approx(percent / 100, abs=0.05)


def test_smaller_selection_is_part_of_a_larger_one() -> None:
    for business_id in [UUID(int=number) for number in range(500)]:
        among = [within_percent(business_id, percent) for percent in (1, 10, 50, 99, 100)]
        assert among == sorted(among)
        assert among[-1]
