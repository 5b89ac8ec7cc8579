"""When a guarded business goes back: what is beyond its bound in every part of the time, and nothing less."""

import pytest

from monolith.cutover.returning.verdict import FEWEST_CALLS, Bound, Calls, beyond

BOUND = Bound(most_failed=0.05, p95_ms=200, for_seconds=10)
WELL = Calls(100, 0, 0)
FAILING = Calls(100, 6, 0)
SLOW = Calls(100, 0, 6)


@pytest.mark.parametrize(
    "parts",
    [
        (WELL, WELL, WELL),
        (FAILING, FAILING, WELL),
        (WELL, FAILING, FAILING),
        (FAILING, WELL, FAILING),
        (SLOW, SLOW, WELL),
        (FAILING, FAILING, SLOW),
        (Calls(100, 5, 5), Calls(100, 5, 5), Calls(100, 5, 5)),
        (Calls(), Calls(1000, 1000, 0), Calls(1000, 1000, 0)),
        (FAILING, FAILING, Calls()),
        (Calls(1, 1, 0), Calls(FEWEST_CALLS - 3, FEWEST_CALLS - 3, 0), Calls(1, 1, 0)),
        (Calls(), Calls(), Calls()),
    ],
)
def test_a_business_stays(parts: tuple[Calls, ...]) -> None:
    """Well served; a burst that is over, or has just begun; one trouble after another; at the bound; unasked."""
    assert beyond(BOUND, parts) is None


def test_calls_that_go_on_failing_are_told_with_their_figures() -> None:
    assert beyond(BOUND, (FAILING, FAILING, Calls(20, 20, 0))) == (
        "32 of 220 calls in the last 10 s failed (14.5%; the bound is 5.0%)"
    )


def test_calls_that_go_on_being_slow_are_told_with_their_figures() -> None:
    assert beyond(BOUND, (SLOW, SLOW, Calls(100, 0, 50))) == (
        "62 of 300 calls in the last 10 s took longer than 200 ms (20.7%; the bound is 5.0%)"
    )


def test_a_pause_in_which_nobody_calls_is_no_recovery() -> None:
    assert beyond(BOUND, (Calls(5, 5, 0), Calls(), Calls(5, 5, 0))) is not None


def test_no_failure_at_all_may_be_the_bound() -> None:
    assert beyond(BOUND._replace(most_failed=0.0), (Calls(50, 1, 0),) * 3) is not None
