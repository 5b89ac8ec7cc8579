"""Rollback thresholds: a breach must last for the whole window."""

import pytest

from monolith.cutover.rollback.thresholds import MIN_CALLS, CallCounts, RollbackThresholds, find_breach

THRESHOLDS = RollbackThresholds(most_failed=0.05, p95_ms=200, for_seconds=10)
HEALTHY = CallCounts(100, 0, 0)
FAILING = CallCounts(100, 6, 0)
SLOW = CallCounts(100, 0, 6)


@pytest.mark.parametrize(
    "parts",
    [
        (HEALTHY, HEALTHY, HEALTHY),
        (FAILING, FAILING, HEALTHY),
        (HEALTHY, FAILING, FAILING),
        (FAILING, HEALTHY, FAILING),
        (SLOW, SLOW, HEALTHY),
        (FAILING, FAILING, SLOW),
        (CallCounts(100, 5, 5), CallCounts(100, 5, 5), CallCounts(100, 5, 5)),
        (CallCounts(), CallCounts(1000, 1000, 0), CallCounts(1000, 1000, 0)),
        (FAILING, FAILING, CallCounts()),
        (CallCounts(1, 1, 0), CallCounts(MIN_CALLS - 3, MIN_CALLS - 3, 0), CallCounts(1, 1, 0)),
        (CallCounts(), CallCounts(), CallCounts()),
    ],
)
def test_no_breach_is_found(parts: tuple[CallCounts, ...]) -> None:
    """Healthy; a burst that is over or has just begun; alternating problems; at the limit; too few calls."""
    assert find_breach(THRESHOLDS, parts) is None


def test_persistent_failures_are_described_with_numbers() -> None:
    assert find_breach(THRESHOLDS, (FAILING, FAILING, CallCounts(20, 20, 0))) == (
        "32 of 220 calls in the last 10 s failed (14.5%; the limit is 5.0%)"
    )


def test_persistent_slowness_is_described_with_numbers() -> None:
    assert find_breach(THRESHOLDS, (SLOW, SLOW, CallCounts(100, 0, 50))) == (
        "62 of 300 calls in the last 10 s took longer than 200 ms (20.7%; the limit is 5.0%)"
    )


def test_pause_without_calls_is_no_recovery() -> None:
    assert find_breach(THRESHOLDS, (CallCounts(5, 5, 0), CallCounts(), CallCounts(5, 5, 0))) is not None


def test_threshold_of_zero_failures_is_allowed() -> None:
    assert find_breach(THRESHOLDS._replace(most_failed=0.0), (CallCounts(50, 1, 0),) * 3) is not None
