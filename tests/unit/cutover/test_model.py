"""The protocol model violates no invariant in any reachable state, and each planted flaw is detected."""

import pytest

from tests.cutover.model.check import check
from tests.cutover.model.protocol import Flaws

FOUND = {
    "mark_before_lock": "the target lacks a drained change",
    "decide_without_swap": "two active leases",
    "release_ignores_attempts": "two active leases",
    "activate_ignores_epochs": "two active leases",
    "late_fence_counts": "no settled cutover with one active lease is reachable",
    "lease_before_lock": "the target lacks a drained change",
    "abort_after_decision": "two active leases",
}


NEED_TWO_MOVES = ("release_ignores_attempts", "activate_ignores_epochs")


def test_one_cutover_violates_no_invariant() -> None:
    result = check(moves=1)
    assert result.violated is None, "\n".join((str(result.violated), *result.trace))
    assert result.states > 5_000


@pytest.mark.long
def test_cutover_and_rollback_violate_no_invariant() -> None:
    result = check(moves=2)
    assert result.violated is None, "\n".join((str(result.violated), *result.trace))
    assert result.states > 100_000


@pytest.mark.parametrize("flaw", [each for each in Flaws._fields if each not in NEED_TWO_MOVES])
def test_flawed_protocol_is_detected(flaw: str) -> None:
    result = check(Flaws(**{flaw: True}), moves=1)
    assert result.violated == FOUND[flaw]
    assert len(result.trace) > 5


@pytest.mark.long
@pytest.mark.parametrize("flaw", NEED_TWO_MOVES)
def test_flaw_that_needs_two_cutovers_is_detected(flaw: str) -> None:
    result = check(Flaws(**{flaw: True}), moves=2)
    assert result.violated == FOUND[flaw]
