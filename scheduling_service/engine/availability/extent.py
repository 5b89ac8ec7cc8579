"""How far a search reaches: the bound on its cost.

The cost grows with the possible starts: providers x days x starts per day. They are counted from the working time
alone, before anything is read or compiled, so that the end of a capped search depends on the rules and not on the
bookings.
"""

from datetime import timedelta

from contracts.scheduling.values import MOST_STARTS
from scheduling_service.engine.availability.query import AvailabilityQuery
from scheduling_service.engine.hours import local_date
from scheduling_service.engine.rules import ProviderRules, Range

_DAY = 86_400
_SHORTEST = 60
"""A search always covers at least this many seconds, so that continuing a capped search makes progress."""


def bounded_end(query: AvailabilityQuery, window: Range, *, checks_per_start: int = 1) -> int:
    """Return the end of the part of `window` that a search may examine: at most `MOST_STARTS` checks.

    It is the window's own end unless the search is too long. `checks_per_start` is the cost of a start.
    """
    reached, end = window
    left = MOST_STARTS // checks_per_start
    if len(query.providers) * ((end - reached) // query.grid.step + 1) <= left:
        return end
    span = _DAY
    while reached < end:
        query.check_deadline()
        until = min(reached + span, end)
        found = _possible_starts(query, (reached, until))
        if found <= left:
            left -= found
            reached = until
            if span < _DAY:
                return reached
        elif reached > window[0]:
            return reached
        elif span <= _SHORTEST:
            return until
        else:
            span //= 2
    return end


def _possible_starts(query: AvailabilityQuery, window: Range) -> int:
    """Return an upper bound of the starts in the window over all providers."""
    return sum(_starts_of(query, provider, window) for provider in query.providers)


def _starts_of(query: AvailabilityQuery, provider: ProviderRules, window: Range) -> int:
    grid, found = query.grid, 0
    # A range that began the day before may extend past midnight.
    day, last = local_date(window[0], provider.zone) - timedelta(days=1), local_date(window[1] - 1, provider.zone)
    while day <= last:
        for opens, closes in provider.working_ranges(day):
            first, beyond = max(opens + grid.offset, window[0]), min(closes - grid.length + 1, window[1])
            found += max(0, -(-(beyond - first) // grid.step))
        day += timedelta(days=1)
    return found
