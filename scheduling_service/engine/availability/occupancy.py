"""A snapshot of occupied time, read in one statement."""

import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from scheduling_service.engine.availability.query import AvailabilityQuery
from scheduling_service.engine.database import Connection
from scheduling_service.engine.hours import instant_of, local_date
from scheduling_service.engine.rules import Range
from scheduling_service.engine.store import availability as store

_EPOCH = date(1970, 1, 1)


class BookableSession(NamedTuple):
    """A session of the query's offering."""

    session_id: UUID
    ends: int
    seats_left: int


@dataclass(frozen=True, eq=False)
class Occupancy:
    """The occupied time at `now`, by the database's clock, in seconds since 1970.

    Providers and resources are identified by their index in the query.
    """

    now: int
    rules_version: int
    has_overdue_holds: bool
    """Whether overdue holds occupy some of the time. They are not included; a booking expires them first."""
    providers: list[list[Range]]
    """The claimed ranges of each provider, sorted."""
    resources: list[list[Range]]
    """The claimed ranges of each resource, sorted."""
    sessions: dict[tuple[int, int], BookableSession] = field(default_factory=dict)
    """By provider and start."""
    daily_counts: dict[tuple[int, date], int] = field(default_factory=dict)
    """How many appointments of the offering start on a day in the business's zone, by provider; index -1 is the
    customer."""

    def weekly_count(self, index: int, day: date) -> int:
        """Return the sum of `daily_counts` over the week of `day`, Monday to Sunday."""
        monday = day - timedelta(days=day.weekday())
        return sum(self.daily_counts.get((index, monday + timedelta(days=n)), 0) for n in range(7))


def read_occupancy(
    db: Connection,
    business_id: UUID,
    query: AvailabilityQuery,
    window: Range,
    *,
    excluding: UUID | None = None,
    budget_ms: int | None = None,
) -> Occupancy | None:
    """Read what matters for starts in `window`; None if there is no such business.

    Limits do not count the appointment `excluding`. With `budget_ms` the statement is its own transaction, otherwise it
    is part of the open one.
    """
    providers = [each.provider_id for each in query.providers]
    ids = query.provider_and_resource_ids
    claimed = _claimed_window(query, window)
    if query.offering.capacity == 1 and not query.limited:
        claims = store.read_claims(db, business_id, ids, claimed, budget_ms)
        return None if claims is None else _parse_claims(claims, len(providers), len(ids))
    details = _detail_query(query, providers, window)
    found, sessions, counts = store.read_claims_with_details(
        db, business_id, ids, claimed, details, excluding=excluding, budget_ms=budget_ms
    )
    if found is None:
        return None
    occupancy = _parse_claims(found, len(providers), len(ids))
    occupancy.sessions.update(
        {(index - 1, start): BookableSession(UUID(sid), end, left) for index, start, end, sid, left in sessions}
    )
    occupancy.daily_counts.update({(index - 1, _EPOCH + timedelta(days=day)): count for index, day, count in counts})
    return occupancy


def read_occupancy_later(
    db: Connection, business_id: UUID, query: AvailabilityQuery, window: Range
) -> Callable[[], Occupancy]:
    """Read the occupancy of a query that needs providers' time only, in the round trip of the next statement.

    Returns a function that returns the occupancy after that statement.
    """
    ids = query.provider_and_resource_ids
    statement = store.read_claims_later(db, business_id, ids, _claimed_window(query, window))
    return lambda: _parse_claims(statement.read_bytes() or b"", len(query.providers), len(ids))


def _claimed_window(query: AvailabilityQuery, window: Range) -> Range:
    """Return the time to read: an appointment that starts in the window extends beyond it and can meet claims there."""
    return query.claimed_range(window[0])[0], query.claimed_range(window[1])[1]


def _detail_query(query: AvailabilityQuery, providers: list[UUID], window: Range) -> store.DetailQuery:
    return store.DetailQuery(
        offering_id=query.offering.offering_id,
        providers=providers,
        sessions=query.offering.capacity > 1,
        counts=_weeks_around(query, window) if query.limited else None,
        customer_id=query.customer_id,
        collective=query.collective,
        zone=query.rules.zone,
    )


def _parse_claims(claims: bytes, provider_count: int, count: int) -> Occupancy:
    """Parse the big-endian int8s of `scheduling.read_claims`: a header of three, then three per claim."""
    numbers = array("q", claims)
    if sys.byteorder == "little":
        numbers.byteswap()
    now, version, overdue = numbers[:3]
    ranges = zip(numbers[4::3], numbers[5::3], strict=True)
    if count == 1:
        only = [sorted(ranges)]
        return Occupancy(now, version, overdue > 0, only[:provider_count], only[provider_count:])
    busy: list[list[Range]] = [[] for _ in range(count)]
    for index, claimed in zip(numbers[3::3], ranges, strict=True):
        busy[index - 1].append(claimed)
    for each in busy:
        each.sort()
    return Occupancy(now, version, overdue > 0, busy[:provider_count], busy[provider_count:])


def _weeks_around(query: AvailabilityQuery, window: Range) -> Range:
    """Return the whole weeks, in the business's zone, that overlap the window."""
    zone = query.rules.zone_info
    first, last = local_date(window[0], zone), local_date(window[1] - 1, zone)
    monday = first - timedelta(days=first.weekday())
    return instant_of(monday, 0, zone), instant_of(last + timedelta(days=7 - last.weekday()), 0, zone)
