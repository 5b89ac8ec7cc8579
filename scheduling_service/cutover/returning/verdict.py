"""When a business has been served badly for long enough."""

from typing import Final, NamedTuple

FEWEST_CALLS: Final = 5
"""In either half: with fewer, one unlucky call would decide."""
SLOW_SHARE: Final = 0.05


class Bound(NamedTuple):
    """`most_failed` is a share of calls, 0 to 1. A call that takes longer than `p95_ms` is slow, and at most one in
    twenty may be."""

    most_failed: float
    p95_ms: float
    for_seconds: float


class Calls(NamedTuple):
    """A failed call ended in Unavailable, DeadlineExceeded, OutcomeUnknown or a bug; refusals are answers."""

    calls: int = 0
    failed: int = 0
    slow: int = 0

    @property
    def failed_share(self) -> float:
        return self.failed / self.calls if self.calls else 0.0

    @property
    def slow_share(self) -> float:
        return self.slow / self.calls if self.calls else 0.0


def beyond(bound: Bound, first_half: Calls, second_half: Calls) -> str | None:
    """What was beyond the bound in both halves of the last `for_seconds`, in words; None when nothing was.

    In both, so that a burst that is over does not move a business.
    """
    halves = (first_half, second_half)
    if min(half.calls for half in halves) < FEWEST_CALLS:
        return None
    both = Calls(*(sum(each) for each in zip(*halves, strict=True)))
    lately = f"of {both.calls} calls in the last {bound.for_seconds:g} s"
    if all(half.failed_share > bound.most_failed for half in halves):
        return f"{both.failed} {lately} failed ({both.failed_share:.1%}; the bound is {bound.most_failed:.1%})"
    if all(half.slow_share > SLOW_SHARE for half in halves):
        return f"{both.slow} {lately} took longer than {bound.p95_ms:g} ms ({both.slow_share:.1%}; the bound is 5.0%)"
    return None
