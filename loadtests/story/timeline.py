"""What happened, second by second: how much was asked, how long it took, who owned what, and each pause."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from loadtests.bench.cutover_pauses import pause_of
from loadtests.generator.estimates import percentile
from loadtests.harness.traffic.open_loop import TrafficRecord
from monolith.cutover.store.cutovers import Cutover


@dataclass(frozen=True)
class SecondSummary:
    at: int
    requests: int
    failed: int
    median_ms: float
    p99_ms: float


@dataclass(frozen=True)
class CutoverSummary:
    """`at` is seconds since the story began."""

    business: str
    source: str
    target: str
    at: float
    pause_ms: float


@dataclass
class Story:
    """`chapters` are what was told, by seconds since the beginning."""

    began: float
    chapters: list[tuple[float, str]] = field(default_factory=list)
    moves: list[tuple[str, Cutover]] = field(default_factory=list)

    def told_moves(self) -> list[CutoverSummary]:
        found = []
        for business, move in self.moves:
            pause = pause_of(move)
            found.append(
                CutoverSummary(
                    business, move.source, move.target, pause.begins - self.began, (pause.ends - pause.begins) * 1000
                )
            )
        return found


def seconds_of(records: Sequence[TrafficRecord], began: float) -> list[SecondSummary]:
    """Seconds in which nobody asked are left out."""
    by_second: dict[int, list[TrafficRecord]] = defaultdict(list)
    for record in records:
        by_second[int(record.at - began)].append(record)
    return [
        SecondSummary(
            at=second,
            requests=len(found),
            failed=sum(record.status not in (200, 201, 409) for record in found),
            median_ms=percentile([record.ms for record in found], 0.5),
            p99_ms=percentile([record.ms for record in found], 0.99),
        )
        for second, found in sorted(by_second.items())
        if second >= 0
    ]


def owners_over_time(story: Story, businesses: Sequence[str], ends: float) -> dict[str, list[tuple[float, float, str]]]:
    """For each business: from, until, owner."""
    spans: dict[str, list[tuple[float, float, str]]] = {}
    for business in businesses:
        since, owner, found = 0.0, "monolith", []
        for move in story.told_moves():
            if move.business == business:
                found.append((since, move.at, owner))
                since, owner = move.at, move.target
        spans[business] = [*found, (since, ends, owner)]
    return spans
