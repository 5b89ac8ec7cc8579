"""Compare one read in both databases. A difference is checked again after a pause, longer than replication lag."""

import time
from dataclasses import dataclass
from typing import Literal

from monolith.cutover.shadow.examples import DifferenceExample, build_example
from monolith.cutover.shadow.shadow_read import (
    Ports,
    ReadFailed,
    ShadowRead,
    call_for_comparison,
    encode_for_comparison,
)

CANDIDATE_SECONDS = 1.0
RECHECK_SECONDS = 1.0
"""Measured replication lag is about 10 ms, at most 35 ms, and half a second on an overloaded machine."""

ComparisonOutcome = Literal["same", "different", "failed", "dropped", "unsettled"]
"""`failed`: the candidate gave no reply. `dropped`: the queue was full. `unsettled`: the owner's reply changed during
the comparison, and the candidate's matched neither."""


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """The result of one comparison. `seconds` is the candidate's response time; `problem` explains a failure."""

    outcome: ComparisonOutcome
    seconds: float = 0.0
    example: DifferenceExample | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class PendingRecheck:
    """A difference to be checked again at `due`, a time of the monotonic clock."""

    read: ShadowRead
    owner: bytes
    seconds: float
    due: float


class ReadComparer:
    """Compares reads over ports of its own, so that a hanging candidate takes no connection from users.

    Each method makes at most two calls, within `candidate_seconds` each, and never raises for a failing port.
    """

    def __init__(
        self, ports: Ports, *, candidate_seconds: float = CANDIDATE_SECONDS, pause_seconds: float = RECHECK_SECONDS
    ) -> None:
        self._ports = ports
        self._candidate_seconds = candidate_seconds
        self._pause_seconds = pause_seconds

    def compare(self, read: ShadowRead) -> ComparisonResult | PendingRecheck:
        began = time.perf_counter()
        try:
            candidate = call_for_comparison(self._ports[read.candidate], read, self._candidate_seconds)
        except ReadFailed as failure:
            return ComparisonResult("failed", problem=str(failure))
        seconds = time.perf_counter() - began
        owner = encode_for_comparison(read.reply)
        if candidate == owner:
            return ComparisonResult("same", seconds)
        return PendingRecheck(read, owner, seconds, time.monotonic() + self._pause_seconds)

    def recheck(self, pending: PendingRecheck) -> ComparisonResult:
        """Compare again: the candidate must match a reply of the owner that was stable over the pause."""
        read = pending.read
        try:
            candidate = call_for_comparison(self._ports[read.candidate], read, self._candidate_seconds)
        except ReadFailed as failure:
            return ComparisonResult("failed", problem=str(failure))
        if candidate == pending.owner:
            return ComparisonResult("same", pending.seconds)
        try:
            owner = call_for_comparison(self._ports[read.owner], read, self._candidate_seconds)
        except ReadFailed:
            return ComparisonResult("unsettled")
        if candidate == owner:
            return ComparisonResult("same", pending.seconds)
        if owner != pending.owner:
            return ComparisonResult("unsettled")
        return ComparisonResult("different", pending.seconds, build_example(read, owner, candidate))
