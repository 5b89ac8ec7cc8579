"""Token buckets in the memory of a process."""

from monolith.shared.rate_limits import Limit
from monolith.shared.rate_limits.local_buckets import MOST_SUBJECTS, LocalBuckets
from tests.unit.clock import Clock

LIMIT = Limit("test", burst=3, seconds=10)


def test_burst_is_allowed_and_then_one_attempt_per_interval() -> None:
    clock = Clock()
    buckets = LocalBuckets(clock)
    assert [buckets.charge((LIMIT, "one")) for _ in range(4)] == [0.0, 0.0, 0.0, 10.0]
    assert buckets.charge((LIMIT, "another")) == 0.0
    clock.seconds += 10
    assert [buckets.charge((LIMIT, "one")) for _ in range(2)] == [0.0, 10.0]
    clock.seconds += 1000
    assert [buckets.charge((LIMIT, "one")) for _ in range(4)] == [0.0, 0.0, 0.0, 10.0]


def test_refused_attempt_charges_none_of_its_limits() -> None:
    buckets, other = LocalBuckets(Clock()), Limit("other", burst=1, seconds=10)
    assert buckets.charge((other, "x")) == 0.0
    for _ in range(10):
        assert buckets.charge((LIMIT, "one"), (other, "x")) == 10.0
    assert buckets.charge((LIMIT, "one")) == 0.0


def test_several_attempts_at_once_may_exceed_the_allowance_and_have_to_be_restored() -> None:
    clock = Clock()
    buckets = LocalBuckets(clock)
    assert buckets.charge((LIMIT, "one")) == 0.0
    assert buckets.charge((LIMIT, "one"), count=5) == 0.0
    assert buckets.charge((LIMIT, "one")) == 40.0
    clock.seconds += 40
    assert [buckets.charge((LIMIT, "one"), count=2) for _ in range(2)] == [0.0, 20.0]


def test_number_of_subjects_is_bounded() -> None:
    buckets = LocalBuckets(Clock())
    for number in range(MOST_SUBJECTS + 10):
        buckets.charge((LIMIT, str(number)))
    assert len(vars(buckets)["_restored_at"]) == MOST_SUBJECTS
