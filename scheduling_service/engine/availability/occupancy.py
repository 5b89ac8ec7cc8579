"""What is taken at the moment of asking."""

import sys
from array import array
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
    """A session of the offering that was asked about."""

    session_id: UUID
    ends: int
    seats_left: int


@dataclass(frozen=True, eq=False)
class Occupancy:
    """By the database's clock, in seconds since 1970. A provider or resource is known by its place in the question."""

    now: int
    rules_version: int
    has_overdue_holds: bool
    """Holds whose time is over are in the way: nobody counts them, and whoever takes their time expires them first."""
    providers: list[list[Range]]
    """What is taken of each, by start."""
    resources: list[list[Range]]
    sessions: dict[tuple[int, int], BookableSession] = field(default_factory=dict)
    """By provider and start."""
    daily_counts: dict[tuple[int, date], int] = field(default_factory=dict)
    """How many of the offering begin on a day of the business, by provider; the customer's own at place -1."""

    def weekly_count(self, index: int, day: date) -> int:
        """As `days`, from Monday to Sunday."""
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
    """What matters for starts in `window`; None when there is no such business. One statement.

    `excluding` is an appointment that limits do not count. With `budget_ms` the statement is a transaction of
    its own; without, part of the write that is open.
    """
    providers = [each.provider_id for each in query.providers]
    ids = [*providers, *(each.resource_id for each in query.resources)]
    # A start at the window's end lasts beyond it, and may meet there what begins after the window.
    around = (query.claim(window[0])[0], query.claim(window[1])[1])
    if query.offering.capacity == 1 and not query.limited:
        claims = store.read_claims(db, business_id, ids, around, budget_ms)
        return None if claims is None else _parsed(claims, len(providers), len(ids))
    circumstances = _circumstances(query, providers, window)
    found, sessions, counts = store.read_claims_with_details(
        db, business_id, ids, around, circumstances, excluding=excluding, budget_ms=budget_ms
    )
    if found is None:
        return None
    occupancy = _parsed(found, len(providers), len(ids))
    occupancy.sessions.update(
        {(index - 1, start): BookableSession(UUID(sid), end, left) for index, start, end, sid, left in sessions}
    )
    occupancy.daily_counts.update({(index - 1, _EPOCH + timedelta(days=day)): number for index, day, number in counts})
    return occupancy


def _circumstances(query: AvailabilityQuery, providers: list[UUID], window: Range) -> store.DetailQuery:
    return store.DetailQuery(
        offering_id=query.offering.offering_id,
        providers=providers,
        sessions=query.offering.capacity > 1,
        counts=_weeks_around(query, window) if query.limited else None,
        customer_id=query.customer_id,
        together=query.collective,
        zone=query.rules.zone,
    )


def _parsed(claims: bytes, providers: int, count: int) -> Occupancy:
    numbers = array("q", claims)
    if sys.byteorder == "little":
        numbers.byteswap()
    now, version, has_overdue_holds = numbers[:3]
    claimed = zip(numbers[4::3], numbers[5::3], strict=True)
    if count == 1:
        only = [sorted(claimed)]
        return Occupancy(now, version, has_overdue_holds > 0, only[:providers], only[providers:])
    busy: list[list[Range]] = [[] for _ in range(count)]
    for index, occupancy in zip(numbers[3::3], claimed, strict=True):
        busy[index - 1].append(occupancy)
    for ranges in busy:
        ranges.sort()
    return Occupancy(now, version, has_overdue_holds > 0, busy[:providers], busy[providers:])


def _weeks_around(query: AvailabilityQuery, window: Range) -> Range:
    """The whole weeks of the business's zone that the window touches."""
    zone = query.rules.zone_info
    first, last = local_date(window[0], zone), local_date(window[1] - 1, zone)
    monday = first - timedelta(days=first.weekday())
    return instant_of(monday, 0, zone), instant_of(last + timedelta(days=7 - last.weekday()), 0, zone)
