"""When a business has been served badly for long enough."""

from collections.abc import Sequence
from typing import Final, NamedTuple

WINDOW_PARTS: Final = 3
"""Of the time that decides. A burst shorter than one of them touches two at most, wherever it falls."""
MIN_CALLS: Final = 10
"""In all parts together: with fewer, one unlucky call would decide."""
MAX_SLOW_SHARE: Final = 0.05


class RollbackThresholds(NamedTuple):
    """`most_failed` is a share of calls, 0 to 1. A call that takes longer than `p95_ms` is slow, and at most one in
    twenty may be."""

    most_failed: float
    p95_ms: float
    for_seconds: float


class CallCounts(NamedTuple):
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


def find_breach(bound: RollbackThresholds, parts: Sequence[CallCounts]) -> str | None:
    """What was beyond the bound throughout the last `for_seconds`, in words; None when nothing was.

    In every part in which somebody called, so that a burst that is over does not move a business; and somebody did in
    the first and in the last, so that trouble that has just begun does not either.
    """
    whole = CallCounts(*(sum(each) for each in zip(*parts, strict=True)))
    if whole.calls < MIN_CALLS or not (parts[0].calls and parts[-1].calls):
        return None
    called = [part for part in parts if part.calls]
    lately = f"of {whole.calls} calls in the last {bound.for_seconds:g} s"
    if all(part.failed_share > bound.most_failed for part in called):
        return f"{whole.failed} {lately} failed ({whole.failed_share:.1%}; the bound is {bound.most_failed:.1%})"
    if all(part.slow_share > MAX_SLOW_SHARE for part in called):
        return f"{whole.slow} {lately} took longer than {bound.p95_ms:g} ms ({whole.slow_share:.1%}; the bound is 5.0%)"
    return None
