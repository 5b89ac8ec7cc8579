"""The starts at which the resources of an offering do not suffice, for all providers and all starts at once."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby

from scheduling_service.engine.availability.occupancy import Occupancy
from scheduling_service.engine.availability.query import AvailabilityQuery
from scheduling_service.engine.rules import Range, ResourceRules, merge_ranges


def resource_shortages(query: AvailabilityQuery, occupancy: Occupancy) -> tuple[Range, ...]:
    """Return the starts for which one of the needs cannot be met, as sorted, disjoint ranges [first, end).

    The cost grows with the claimed and blocked ranges of the resources, not with providers or starts.
    """
    shortages: list[Range] = []
    position = 0
    for need in query.offering.needs:
        resources = query.rules.resources_of(need.kind)
        claimed = occupancy.resources[position : position + len(resources)]
        shortages += _shortages(query, need.quantity, resources, claimed)
        position += len(resources)
    return merge_ranges(shortages)


def _shortages(
    query: AvailabilityQuery, quantity: int, resources: Sequence[ResourceRules], claimed: Sequence[Sequence[Range]]
) -> Iterator[Range]:
    """Yield where fewer than `quantity` of the resources are free, by a sweep over the ends of their ranges."""
    spare = len(resources) - quantity
    if spare < 0:
        yield 0, _FOREVER
        return
    unavailable = [_unavailable_starts(query, *each) for each in zip(resources, claimed, strict=True)]
    if sum(map(bool, unavailable)) <= spare:
        return
    changes = sorted(change for ranges in unavailable for first, end in ranges for change in ((first, 1), (end, -1)))
    query.check_deadline()
    moments = [(moment, sum(delta for _, delta in same)) for moment, same in groupby(changes, key=lambda each: each[0])]
    occupied = accumulate(delta for _, delta in moments)
    begins = None
    for (moment, _), count in zip(moments, occupied, strict=True):
        if count > spare and begins is None:
            begins = moment
        elif count <= spare and begins is not None:
            yield begins, moment
            begins = None


def _unavailable_starts(query: AvailabilityQuery, resource: ResourceRules, busy: Sequence[Range]) -> tuple[Range, ...]:
    """Return the starts whose claimed range would meet a claim of the resource, or whose time a block."""
    tail = query.length + query.buffer_after
    claims = [(begin - tail + 1, end + query.buffer_before) for begin, end in busy]
    blocks = [(begin - query.length + 1, end) for begin, end in resource.blocked]
    return merge_ranges([*claims, *blocks])


_FOREVER = 1 << 40
