"""What shadow reads found, added up in this process until it is written down."""

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from monolith.cutover.shadow.comparing import Finding
from monolith.cutover.shadow.examples import Example

MOST_KEPT: Final = 2_000
"""Operations times minutes: above an hour of an unreachable database."""

Key = tuple[str, datetime]
"""The operation, and the minute by this process's clock."""


@dataclass(slots=True)
class Counts:
    """Times are of compared reads only. `dropped` were chosen, and could not be compared."""

    compared: int = 0
    different: int = 0
    failed: int = 0
    dropped: int = 0
    owner_ms: float = 0.0
    candidate_ms: float = 0.0
    example: Example | None = None
    problem: str | None = None
    """Of the last failure."""

    def add(self, other: "Counts") -> None:
        self.compared += other.compared
        self.different += other.different
        self.failed += other.failed
        self.dropped += other.dropped
        self.owner_ms += other.owner_ms
        self.candidate_ms += other.candidate_ms
        self.example = self.example or other.example
        self.problem = other.problem or self.problem


class Tally:
    """Safe to share among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[Key, Counts] = {}

    def add(self, operation: str, owner_seconds: float, finding: Finding) -> None:
        self._add(operation, _counts_of(owner_seconds, finding))

    def take(self) -> dict[Key, Counts]:
        """All since the last time; they are the caller's now."""
        with self._lock:
            taken, self._counts = self._counts, {}
        return taken

    def give_back(self, taken: dict[Key, Counts]) -> None:
        """What could not be written down; the oldest are forgotten when there are too many."""
        with self._lock:
            for key, counts in self._counts.items():
                taken.setdefault(key, Counts()).add(counts)
            newest = sorted(taken.items(), key=lambda each: each[0][1])[-MOST_KEPT:]
            self._counts = dict(newest)

    def _add(self, operation: str, counts: Counts) -> None:
        minute = datetime.now(UTC).replace(second=0, microsecond=0)
        with self._lock:
            self._counts.setdefault((operation, minute), Counts()).add(counts)


def _counts_of(owner_seconds: float, finding: Finding) -> Counts:
    match finding.outcome:
        case "failed":
            return Counts(failed=1, problem=finding.problem)
        case "dropped" | "unsettled":
            return Counts(dropped=1)
        case outcome:
            return Counts(
                compared=1,
                different=int(outcome == "different"),
                owner_ms=owner_seconds * 1000,
                candidate_ms=finding.seconds * 1000,
                example=finding.example,
            )
