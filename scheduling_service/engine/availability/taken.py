"""What is taken at the moment of asking."""

import sys
from array import array
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple
from uuid import UUID

from scheduling_service.engine.availability.question import Question
from scheduling_service.engine.database import Connection
from scheduling_service.engine.hours import instant_of, local_date
from scheduling_service.engine.rules import Range
from scheduling_service.engine.store import availability as store

_EPOCH = date(1970, 1, 1)


class Session(NamedTuple):
    """A session of the offering that was asked about."""

    session_id: UUID
    ends: int
    seats_left: int


@dataclass(frozen=True, eq=False)
class Taken:
    """By the database's clock, in seconds since 1970. A provider or resource is known by its place in the question."""

    now: int
    rules_version: int
    overdue: bool
    """Holds whose time is over are in the way: nobody counts them, and whoever takes their time expires them first."""
    providers: list[list[Range]]
    """What is taken of each, by start."""
    resources: list[list[Range]]
    sessions: dict[tuple[int, int], Session] = field(default_factory=dict)
    """By provider and start."""
    days: dict[tuple[int, date], int] = field(default_factory=dict)
    """How many of the offering begin on a day of the business, by provider; the customer's own at place -1."""

    def week(self, place: int, day: date) -> int:
        """As `days`, from Monday to Sunday."""
        monday = day - timedelta(days=day.weekday())
        return sum(self.days.get((place, monday + timedelta(days=n)), 0) for n in range(7))


def read_taken(
    db: Connection,
    business_id: UUID,
    question: Question,
    window: Range,
    *,
    without: UUID | None = None,
    budget_ms: int | None = None,
) -> Taken | None:
    """What matters for starts in `window`; None when there is no such business. One statement.

    `without` is an appointment that limits do not count. With `budget_ms` the statement is a transaction of
    its own; without, part of the write that is open.
    """
    providers = [each.provider_id for each in question.providers]
    ids = [*providers, *(each.resource_id for each in question.resources)]
    # A start at the window's end lasts beyond it, and may meet there what begins after the window.
    around = (question.claim(window[0])[0], question.claim(window[1])[1])
    if question.offering.capacity == 1 and not question.limited:
        claims = store.read_claims(db, business_id, ids, around, budget_ms)
        return None if claims is None else _parsed(claims, len(providers), len(ids))
    circumstances = _circumstances(question, providers, window)
    found, sessions, counts = store.read_circumstances(
        db, business_id, ids, around, circumstances, without=without, budget_ms=budget_ms
    )
    if found is None:
        return None
    taken = _parsed(found, len(providers), len(ids))
    taken.sessions.update(
        {(place - 1, start): Session(UUID(sid), end, left) for place, start, end, sid, left in sessions}
    )
    taken.days.update({(place - 1, _EPOCH + timedelta(days=day)): number for place, day, number in counts})
    return taken


def _circumstances(question: Question, providers: list[UUID], window: Range) -> store.Circumstances:
    return store.Circumstances(
        offering_id=question.offering.offering_id,
        providers=providers,
        sessions=question.offering.capacity > 1,
        counts=_weeks_around(question, window) if question.limited else None,
        customer_id=question.customer_id,
        together=question.collective,
        zone=question.rules.zone,
    )


def _parsed(claims: bytes, providers: int, count: int) -> Taken:
    numbers = array("q", claims)
    if sys.byteorder == "little":
        numbers.byteswap()
    now, version, overdue = numbers[:3]
    claimed = zip(numbers[4::3], numbers[5::3], strict=True)
    if count == 1:
        only = [sorted(claimed)]
        return Taken(now, version, overdue > 0, only[:providers], only[providers:])
    busy: list[list[Range]] = [[] for _ in range(count)]
    for place, taken in zip(numbers[3::3], claimed, strict=True):
        busy[place - 1].append(taken)
    for ranges in busy:
        ranges.sort()
    return Taken(now, version, overdue > 0, busy[:providers], busy[providers:])


def _weeks_around(question: Question, window: Range) -> Range:
    """The whole weeks of the business's zone that the window touches."""
    zone = question.rules.local
    first, last = local_date(window[0], zone), local_date(window[1] - 1, zone)
    monday = first - timedelta(days=first.weekday())
    return instant_of(monday, 0, zone), instant_of(last + timedelta(days=7 - last.weekday()), 0, zone)
