"""The story second by second: requests, latencies, the owner of each business, and the pause of each cutover."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from loadtests.generator.estimates import percentile
from loadtests.harness.cutovers import pause_of
from loadtests.harness.traffic.ledger import succeeded
from loadtests.harness.traffic.open_loop import TrafficRecord
from monolith.cutover.store.cutovers import Cutover


@dataclass(frozen=True)
class SecondSummary:
    """The requests whose intended start is in second `at` of the story."""

    at: int
    requests: int
    failed: int
    median_ms: float
    p99_ms: float


@dataclass(frozen=True)
class CutoverSummary:
    """`at` is in seconds since the beginning of the story."""

    business: str
    source: str
    target: str
    at: float
    pause_ms: float


@dataclass
class Story:
    """`began` is in seconds since 1970; `chapters` are titles by seconds since then, `cutovers` by slug."""

    began: float
    chapters: list[tuple[float, str]] = field(default_factory=list)
    cutovers: list[tuple[str, Cutover]] = field(default_factory=list)

    def summarize_cutovers(self) -> list[CutoverSummary]:
        found = []
        for business, cutover in self.cutovers:
            pause = pause_of(cutover)
            at = pause.begins - self.began
            found.append(CutoverSummary(business, cutover.source, cutover.target, at, pause.milliseconds))
        return found


def summarize_seconds(records: Sequence[TrafficRecord], began: float) -> list[SecondSummary]:
    """Return the seconds that have requests, in order."""
    by_second: dict[int, list[TrafficRecord]] = defaultdict(list)
    for record in records:
        by_second[int(record.at - began)].append(record)
    return [
        SecondSummary(
            at=second,
            requests=len(found),
            failed=sum(not succeeded(record) for record in found),
            median_ms=percentile([record.ms for record in found], 0.5),
            p99_ms=percentile([record.ms for record in found], 0.99),
        )
        for second, found in sorted(by_second.items())
        if second >= 0
    ]


def owners_over_time(story: Story, businesses: Sequence[str], ends: float) -> dict[str, list[tuple[float, float, str]]]:
    """Return the ownership of each business as spans (from, until, owner) that cover the story."""
    spans: dict[str, list[tuple[float, float, str]]] = {}
    for business in businesses:
        since, owner, found = 0.0, "monolith", []
        for cutover in story.summarize_cutovers():
            if cutover.business == business:
                found.append((since, cutover.at, owner))
                since, owner = cutover.at, cutover.target
        spans[business] = [*found, (since, ends, owner)]
    return spans
