"""One read on both sides: the same, different, or not to be told. What differs is asked again, after a pause."""

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
"""Replication takes some 10 ms, 35 ms at the worst that was measured; half a second on a machine that is overrun."""

ComparisonOutcome = Literal["same", "different", "failed", "dropped", "unsettled"]
"""`failed`: the candidate gave no answer. `dropped`: there was no room for it. `unsettled`: the owner's own answer
changed meanwhile, and the candidate's was neither."""


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """`seconds` is what the candidate took; `problem` says why it failed."""

    outcome: ComparisonOutcome
    seconds: float = 0.0
    example: DifferenceExample | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class PendingRecheck:
    """The sides differ: to be looked at again when it is `due`, by the monotonic clock."""

    read: ShadowRead
    owner: bytes
    seconds: float
    due: float


class ReadComparer:
    """Asks through ports of its own, so that a candidate that hangs takes no place from users. No look takes longer
    than its two calls, and none raises, whatever the sides do."""

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
        except ReadFailed as none:
            return ComparisonResult("failed", problem=str(none))
        seconds = time.perf_counter() - began
        owner = encode_for_comparison(read.answer)
        if candidate == owner:
            return ComparisonResult("same", seconds)
        return PendingRecheck(read, owner, seconds, time.monotonic() + self._pause_seconds)

    def recheck(self, doubt: PendingRecheck) -> ComparisonResult:
        """What the owner said both before the pause and after it, the candidate must say after it."""
        read = doubt.read
        try:
            candidate = call_for_comparison(self._ports[read.candidate], read, self._candidate_seconds)
        except ReadFailed as none:
            return ComparisonResult("failed", problem=str(none))
        if candidate == doubt.owner:
            return ComparisonResult("same", doubt.seconds)
        try:
            owner = call_for_comparison(self._ports[read.owner], read, self._candidate_seconds)
        except ReadFailed:
            return ComparisonResult("unsettled")
        if candidate == owner:
            return ComparisonResult("same", doubt.seconds)
        if owner != doubt.owner:
            return ComparisonResult("unsettled")
        return ComparisonResult("different", doubt.seconds, build_example(read, owner, candidate))
