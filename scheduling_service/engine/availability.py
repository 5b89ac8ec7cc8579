"""The one predicate that decides what is offered and what is accepted.

Search lists `offered_starts`; booking asks the same function about one instant. So what is listed can be booked, and
what is refused was not listed, but for what others took in between.
"""

from collections.abc import Sequence

from contracts.scheduling.models import Offering
from scheduling_service.engine.hours import local_days
from scheduling_service.engine.rules import ProviderRules, Range


def offered_starts(
    provider: ProviderRules, offering: Offering, window: Range, taken: Sequence[Range], now: int
) -> list[int]:
    """Every start in `window` at which the offering fits, ascending, in seconds since 1970.

    Starts stand on a grid of the offering's step, counted in real time from each working range's opening. The whole
    appointment lies inside one working range, begins after `now` and touches nothing of `taken` (sorted by start).
    """
    step, length = offering.step_minutes * 60, offering.duration_minutes * 60
    earliest, end = max(window[0], now + 1), window[1]
    if earliest >= end:
        return []
    starts: list[int] = []
    for day in local_days(earliest, end, provider.zone):
        for opens, closes in provider.working(day):
            first = opens if opens >= earliest else opens + -(-(earliest - opens) // step) * step
            last = min(closes - length, end - 1)
            if first <= last:
                _append_free(starts, range(first, last + 1, step), length, taken)
    return starts


def refusal(provider: ProviderRules, offering: Offering, start: int, taken: Sequence[Range], now: int) -> str | None:
    """Why a booking at `start` is refused; None when it is offered."""
    moment = (start, start + 1)
    if offered_starts(provider, offering, moment, taken, now):
        return None
    if start <= now:
        return "past"
    if offered_starts(provider, offering, moment, (), now):
        return "taken"
    inside = any(
        opens <= start and start + offering.duration_minutes * 60 <= closes
        for day in local_days(start, start + 1, provider.zone)
        for opens, closes in provider.working(day)
    )
    return "off_grid" if inside else "outside_hours"


def _append_free(starts: list[int], candidates: range, length: int, taken: Sequence[Range]) -> None:
    """Those candidates whose [start, start + length) meets nothing taken. Both ascend, so one pass is enough."""
    ahead = iter(taken)
    busy = next(ahead, None)
    for start in candidates:
        while busy is not None and busy[1] <= start:
            busy = next(ahead, None)
        if busy is None or start + length <= busy[0]:
            starts.append(start)
