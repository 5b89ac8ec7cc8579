"""The protocol keeps its promises in every state that it can reach; and each known way to break it is found."""

import pytest

from tests.cutover.model.check import check
from tests.cutover.model.protocol import Flaws

FOUND = {
    "mark_before_lock": "something is drained that the target does not have",
    "decide_without_swap": "two active leases",
    "release_ignores_attempts": "something is drained that the target does not have",
    "activate_ignores_epochs": "something is drained that the target does not have",
    "late_fence_counts": "there is no way on to a settled move and one active lease",
    "lease_before_lock": "something is drained that the target does not have",
    "abort_after_decision": "two active leases",
}


NEED_TWO_MOVES = ("release_ignores_attempts", "activate_ignores_epochs")


def test_one_move_keeps_every_promise() -> None:
    result = check(moves=1)
    assert result.broken is None, "\n".join((str(result.broken), *result.trace))
    assert result.states > 5_000


@pytest.mark.long
def test_a_move_there_and_one_back_keep_every_promise() -> None:
    result = check(moves=2)
    assert result.broken is None, "\n".join((str(result.broken), *result.trace))
    assert result.states > 100_000


@pytest.mark.parametrize("flaw", [each for each in Flaws._fields if each not in NEED_TWO_MOVES])
def test_a_broken_protocol_is_found_out(flaw: str) -> None:
    result = check(Flaws(**{flaw: True}), moves=1)
    assert result.broken == FOUND[flaw]
    assert len(result.trace) > 5


@pytest.mark.long
@pytest.mark.parametrize("flaw", NEED_TWO_MOVES)
def test_what_only_a_second_move_shows_is_found_out(flaw: str) -> None:
    result = check(Flaws(**{flaw: True}), moves=2)
    assert result.broken == FOUND[flaw]
