"""The thresholds of an automatic rollback, and when a business has exceeded them for long enough."""

from collections.abc import Sequence
from typing import Final, NamedTuple

WINDOW_PARTS: Final = 3
"""The window is divided into parts; a burst shorter than one part touches at most two of them."""
MIN_CALLS: Final = 10
"""In the whole window: with fewer, a single failed call would decide."""
MAX_SLOW_SHARE: Final = 0.05


class RollbackThresholds(NamedTuple):
    """The limits beyond which a business is rolled back.

    `most_failed` is a share of calls, 0 to 1. Calls longer than `p95_ms` are slow; at most one in twenty may be. The
    window of `for_seconds` is the time for which a threshold must be exceeded.
    """

    most_failed: float
    p95_ms: float
    for_seconds: float

    def __str__(self) -> str:
        return (
            f"rolls back when, for {self.for_seconds:g} s, more than {self.most_failed:.1%} of its calls fail "
            f"or more than {MAX_SLOW_SHARE:.0%} take longer than {self.p95_ms:g} ms"
        )


class CallCounts(NamedTuple):
    """Numbers of calls.

    A failed call ended in Unavailable, DeadlineExceeded, OutcomeUnknown or a bug; refusals and conflicts are
    replies.
    """

    calls: int = 0
    failed: int = 0
    slow: int = 0

    @property
    def failed_share(self) -> float:
        return self.failed / self.calls if self.calls else 0.0

    @property
    def slow_share(self) -> float:
        return self.slow / self.calls if self.calls else 0.0

    def plus(self, *, failed: bool, slow: bool) -> "CallCounts":
        """Return the counts with one more call."""
        return CallCounts(self.calls + 1, self.failed + failed, self.slow + slow)


def find_breach(thresholds: RollbackThresholds, parts: Sequence[CallCounts]) -> str | None:
    """Describe the threshold that was exceeded throughout the window; None when there is none.

    A threshold counts as exceeded only if every part that has calls exceeds it, so that a short burst does not roll a
    business back; and the first and last part must have calls, so that a new problem does not either.
    """
    whole = CallCounts(*(sum(each) for each in zip(*parts, strict=True)))
    if whole.calls < MIN_CALLS or not (parts[0].calls and parts[-1].calls):
        return None
    called = [part for part in parts if part.calls]
    window = f"of {whole.calls} calls in the last {thresholds.for_seconds:g} s"
    if all(part.failed_share > thresholds.most_failed for part in called):
        return f"{whole.failed} {window} failed ({whole.failed_share:.1%}; the limit is {thresholds.most_failed:.1%})"
    if all(part.slow_share > MAX_SLOW_SHARE for part in called):
        return (
            f"{whole.slow} {window} took longer than {thresholds.p95_ms:g} ms "
            f"({whole.slow_share:.1%}; the limit is 5.0%)"
        )
    return None
