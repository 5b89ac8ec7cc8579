"""The results of shadow reads, summed in the process until they are stored."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from monolith.cutover.shadow.comparison import ComparisonResult
from monolith.cutover.shadow.examples import DifferenceExample

MAX_BUFFERED: Final = 2_000
"""Operations times minutes: enough for more than an hour without the database."""

CountsKey = tuple[str, datetime]
"""The operation, and the minute of the process's clock."""


@dataclass(slots=True)
class ComparisonCounts:
    """The results of one operation in one minute.

    Times are those of compared reads. `dropped` reads were selected but not compared.
    """

    compared: int = 0
    different: int = 0
    failed: int = 0
    dropped: int = 0
    owner_ms: float = 0.0
    candidate_ms: float = 0.0
    example: DifferenceExample | None = None
    problem: str | None = None
    """The reason of the last failure."""

    def add(self, other: "ComparisonCounts") -> None:
        self.compared += other.compared
        self.different += other.different
        self.failed += other.failed
        self.dropped += other.dropped
        self.owner_ms += other.owner_ms
        self.candidate_ms += other.candidate_ms
        self.example = self.example or other.example
        self.problem = other.problem or self.problem


class CountsBuffer:
    """Sums counts until they are stored. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[CountsKey, ComparisonCounts] = {}

    def add(self, operation: str, owner_seconds: float, finding: ComparisonResult) -> None:
        self._add(operation, _counts_of(owner_seconds, finding))

    def drain(self) -> dict[CountsKey, ComparisonCounts]:
        """Return the counts since the last call and reset them."""
        with self._lock:
            drained, self._counts = self._counts, {}
        return drained

    def restore(self, drained: dict[CountsKey, ComparisonCounts]) -> None:
        """Add counts back that could not be stored. Drops the oldest above the limit."""
        with self._lock:
            for key, counts in self._counts.items():
                drained.setdefault(key, ComparisonCounts()).add(counts)
            newest = sorted(drained.items(), key=lambda each: each[0][1])[-MAX_BUFFERED:]
            self._counts = dict(newest)

    def _add(self, operation: str, counts: ComparisonCounts) -> None:
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        with self._lock:
            self._counts.setdefault((operation, minute), ComparisonCounts()).add(counts)


def _counts_of(owner_seconds: float, finding: ComparisonResult) -> ComparisonCounts:
    match finding.outcome:
        case "failed":
            return ComparisonCounts(failed=1, problem=finding.problem)
        case "dropped" | "unsettled":
            return ComparisonCounts(dropped=1)
        case outcome:
            return ComparisonCounts(
                compared=1,
                different=int(outcome == "different"),
                owner_ms=owner_seconds * 1000,
                candidate_ms=finding.seconds * 1000,
                example=finding.example,
            )
