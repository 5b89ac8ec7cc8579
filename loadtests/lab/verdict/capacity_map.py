"""The map: which arm is the least work at every rate, from nothing to extraction."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from loadtests.generator.estimates import Estimate
from loadtests.lab.planning.arms import BASELINE, REPEAT, find_arm


class MapSegment(NamedTuple):
    """Up to `until` scheduling arrivals a second, `arm` is the least work that keeps all promises."""

    arm: str
    until: float

    def as_text(self) -> str:
        name = "nothing needs to change" if self.arm == BASELINE else f"{find_arm(self.arm).short} ({self.arm})"
        return f"up to {self.until:.3g}/s: {name}"


def capacity_map(capacities: Mapping[str, Estimate], beyond_ceiling: Sequence[str] = ()) -> list[MapSegment]:
    """Return the segments in ascending order of rate, by each arm's capacity.

    From the end of a segment on, the arm with the least effort of those with a higher capacity takes over; an arm whose
    capacity is within the other's interval is not higher. Arms beyond the scenario's ceiling are left out.
    """
    left = {arm: found for arm, found in capacities.items() if arm != REPEAT and arm not in beyond_ceiling}
    segments: list[MapSegment] = []
    if BASELINE in left:
        segments.append(MapSegment(BASELINE, left.pop(BASELINE).value))
    while True:
        reached = segments[-1].until if segments else 0.0
        current = capacities[segments[-1].arm].high if segments else 0.0
        better = [arm for arm, found in left.items() if found.value > max(reached, current)]
        if not better:
            return segments
        best = min(better, key=lambda arm: find_arm(arm).effort)
        segments.append(MapSegment(best, left.pop(best).value))
