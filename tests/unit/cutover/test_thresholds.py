"""When a guarded business goes back: what is beyond its bound in every part of the time, and nothing less."""

import pytest

from monolith.cutover.rollback.thresholds import MIN_CALLS, CallCounts, RollbackThresholds, find_breach

BOUND = RollbackThresholds(most_failed=0.05, p95_ms=200, for_seconds=10)
WELL = CallCounts(100, 0, 0)
FAILING = CallCounts(100, 6, 0)
SLOW = CallCounts(100, 0, 6)


@pytest.mark.parametrize(
    "parts",
    [
        (WELL, WELL, WELL),
        (FAILING, FAILING, WELL),
        (WELL, FAILING, FAILING),
        (FAILING, WELL, FAILING),
        (SLOW, SLOW, WELL),
        (FAILING, FAILING, SLOW),
        (CallCounts(100, 5, 5), CallCounts(100, 5, 5), CallCounts(100, 5, 5)),
        (CallCounts(), CallCounts(1000, 1000, 0), CallCounts(1000, 1000, 0)),
        (FAILING, FAILING, CallCounts()),
        (CallCounts(1, 1, 0), CallCounts(MIN_CALLS - 3, MIN_CALLS - 3, 0), CallCounts(1, 1, 0)),
        (CallCounts(), CallCounts(), CallCounts()),
    ],
)
def test_a_business_stays(parts: tuple[CallCounts, ...]) -> None:
    """Well served; a burst that is over, or has just begun; one trouble after another; at the bound; unasked."""
    assert find_breach(BOUND, parts) is None


def test_calls_that_go_on_failing_are_told_with_their_figures() -> None:
    assert find_breach(BOUND, (FAILING, FAILING, CallCounts(20, 20, 0))) == (
        "32 of 220 calls in the last 10 s failed (14.5%; the limit is 5.0%)"
    )


def test_calls_that_go_on_being_slow_are_told_with_their_figures() -> None:
    assert find_breach(BOUND, (SLOW, SLOW, CallCounts(100, 0, 50))) == (
        "62 of 300 calls in the last 10 s took longer than 200 ms (20.7%; the limit is 5.0%)"
    )


def test_a_pause_in_which_nobody_calls_is_no_recovery() -> None:
    assert find_breach(BOUND, (CallCounts(5, 5, 0), CallCounts(), CallCounts(5, 5, 0))) is not None


def test_no_failure_at_all_may_be_the_bound() -> None:
    assert find_breach(BOUND._replace(most_failed=0.0), (CallCounts(50, 1, 0),) * 3) is not None
