"""When a guarded business goes back: what is beyond its bound in both halves of the time, and nothing less."""

import pytest

from scheduling_service.cutover.returning.verdict import FEWEST_CALLS, Bound, Calls, beyond

BOUND = Bound(most_failed=0.05, p95_ms=200, for_seconds=10)
WELL = Calls(100, 0, 0)
FAILING = Calls(100, 6, 0)
SLOW = Calls(100, 0, 6)


@pytest.mark.parametrize(
    ("first_half", "second_half"),
    [
        (WELL, WELL),
        (FAILING, WELL),
        (WELL, FAILING),
        (SLOW, WELL),
        (FAILING, SLOW),
        (Calls(100, 5, 5), Calls(100, 5, 5)),
        (Calls(), Calls(1000, 1000, 0)),
        (Calls(FEWEST_CALLS - 1, FEWEST_CALLS - 1, 0), FAILING),
        (Calls(), Calls()),
    ],
)
def test_a_business_stays(first_half: Calls, second_half: Calls) -> None:
    """Well served; a burst that is over, or has just begun; one trouble after another; at the bound; unasked."""
    assert beyond(BOUND, first_half, second_half) is None


def test_calls_that_go_on_failing_are_told_with_their_figures() -> None:
    assert beyond(BOUND, FAILING, Calls(20, 20, 0)) == (
        "26 of 120 calls in the last 10 s failed (21.7%; the bound is 5.0%)"
    )


def test_calls_that_go_on_being_slow_are_told_with_their_figures() -> None:
    assert beyond(BOUND, SLOW, Calls(100, 0, 50)) == (
        "56 of 200 calls in the last 10 s took longer than 200 ms (28.0%; the bound is 5.0%)"
    )


def test_no_failure_at_all_may_be_the_bound() -> None:
    assert beyond(BOUND._replace(most_failed=0.0), Calls(50, 1, 0), Calls(50, 1, 0)) is not None
