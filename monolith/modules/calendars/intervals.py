"""Intervals of time, half-open."""

from collections.abc import Iterable
from datetime import datetime

Interval = tuple[datetime, datetime]


def merged(times: Iterable[Interval]) -> list[Interval]:
    """Return the union of the intervals as disjoint intervals, sorted."""
    result: list[Interval] = []
    for start, end in sorted(times):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result
