"""Offers to the waitlist: a hold of limited duration for the oldest entry, in the transaction that freed the time.

Offers are opportunistic (see `LOCKS.md`): an entry is skipped if another transaction has locked it, or its offering,
provider or resource. So no entry gets two offers, and a write does not wait for locks in order to make one. Skipped
entries are examined again by `maintenance.settle`.
"""

import dataclasses
import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from contracts.scheduling import models as m
from contracts.scheduling.context import SYSTEM
from contracts.scheduling.errors import InvalidRequest, SlotUnavailable
from scheduling_service.engine.availability import AvailabilityQuery, build_query, free_starts, read_occupancy
from scheduling_service.engine.booking.creation import NewAppointment, create_appointment
from scheduling_service.engine.hours import to_utc
from scheduling_service.engine.lock_order import LockContention
from scheduling_service.engine.rules import BusinessRules, Range
from scheduling_service.engine.store import waitlist as store
from scheduling_service.engine.write_transaction import Write

_MAX_ENTRIES = 50
"""Entries that one change examines; `maintenance.settle` examines the others."""
_MAX_SEARCHES = 200
_MIN_SECONDS_LEFT = 0.5
"""Offers stop when less time than this is left, so that the change that freed the time does not fail."""
_MAX_ATTEMPTS = 3
_LONGEST_BEFORE = timedelta(hours=12)
_LONGEST_TAIL = timedelta(hours=24 + 12)


def offer_freed(write: Write, rules: BusinessRules, freed: m.Appointment) -> int:
    """Offer the time that an appointment released; return the number of offers."""
    offering = rules.offering(freed.offering_id)
    begins = freed.starts_at - timedelta(minutes=offering.buffer_before_minutes)
    ends = freed.ends_at + timedelta(minutes=offering.buffer_after_minutes)
    if ends <= write.now:
        return 0
    waiting = store.read_waiting(
        write.db,
        write.ctx.business_id,
        offering_ids=_affected_offerings(rules, freed),
        start=begins - _LONGEST_TAIL,
        end=ends + _LONGEST_BEFORE,
        limit=_MAX_ENTRIES,
    )
    return offer_to_entries(write, rules, waiting, overlapping=(begins, ends)) if waiting else 0


def offer_to_entries(
    write: Write,
    rules: BusinessRules,
    waiting: Iterable[m.WaitlistEntry],
    *,
    overlapping: tuple[datetime, datetime] | None = None,
    limit: int = _MAX_SEARCHES,
) -> int:
    """Offer free time to these entries, in this order; return the number of offers, at most `limit`.

    With `overlapping`, offer only what occupies some of the time between these two moments.
    """
    offers = _Offers(write, rules, overlapping)
    for entry in waiting:
        exhausted = offers.made >= limit or offers.searches >= _MAX_SEARCHES
        if exhausted or write.ctx.deadline.remaining() < _MIN_SECONDS_LEFT:
            break
        offers.make(entry)
    return offers.made


def is_offerable(write: Write, rules: BusinessRules, entry: m.WaitlistEntry) -> bool:
    """Return whether there is free time that suits the entry, disregarding older entries."""
    return _Offers(write, rules, None).could_make(entry)


class _Offers:
    """Makes offers and stores which windows are full: offers only occupy time, so these stay full."""

    def __init__(self, write: Write, rules: BusinessRules, overlapping: tuple[datetime, datetime] | None) -> None:
        ctx = replace(write.ctx, actor=SYSTEM)
        self._write = dataclasses.replace(write, ctx=ctx, operation="offer", locks=write.locks.opportunistic())
        self._rules = rules
        self._overlapping = overlapping
        self._full: dict[tuple[UUID, UUID | None, int, UUID | None], list[Range]] = {}
        self.made = 0
        self.searches = 0

    def could_make(self, entry: m.WaitlistEntry) -> bool:
        query = _build_query(self._rules, entry)
        window = None if query is None else self._window(entry, query)
        return query is not None and window is not None and bool(self._free_starts(query, window))

    def make(self, entry: m.WaitlistEntry) -> None:
        """Hold the first free time that suits the entry, if there is one."""
        query = _build_query(self._rules, entry)
        window = None if query is None else self._window(entry, query)
        if query is None or window is None or self._is_known_full(entry, query, window):
            return
        starts = self._free_starts(query, window)
        if not starts:
            self._full.setdefault(_search_key(entry, query), []).append(window)
        elif store.lock_if_waiting(self._write.db, self._write.ctx.business_id, entry.entry_id):
            self._hold_first(entry, query, starts[:_MAX_ATTEMPTS])

    def _hold_first(self, entry: m.WaitlistEntry, query: AvailabilityQuery, starts: list[int]) -> None:
        for start in starts:
            held = self._hold(entry, query, start)
            if held is not None:
                store.mark_offered(self._write.db, self._write.ctx.business_id, entry.entry_id, held.appointment_id)
                self.made += 1
                return

    def _window(self, entry: m.WaitlistEntry, query: AvailabilityQuery) -> Range | None:
        start, end = math.ceil(entry.start.timestamp()), math.ceil(entry.end.timestamp())
        if self._overlapping is not None:
            begins, ends = (int(moment.timestamp()) for moment in self._overlapping)
            start = max(start, begins - query.length - query.buffer_after + 1)
            end = min(end, ends + query.buffer_before)
        return (start, end) if start < end else None

    def _is_known_full(self, entry: m.WaitlistEntry, query: AvailabilityQuery, window: Range) -> bool:
        known = self._full.get(_search_key(entry, query), ())
        return any(start <= window[0] and window[1] <= end for start, end in known)

    def _free_starts(self, query: AvailabilityQuery, window: Range) -> list[int]:
        self.searches += 1
        occupancy = read_occupancy(self._write.db, self._write.ctx.business_id, query, window)
        assert occupancy is not None, "a write has a business"
        return list(dict.fromkeys(start for start, _ in free_starts(query, window, occupancy)))

    def _hold(self, entry: m.WaitlistEntry, query: AvailabilityQuery, start: int) -> m.Appointment | None:
        """Hold one start until the offer expires or the time begins; None if another write is faster."""
        expires_at = min(self._write.now + timedelta(minutes=entry.offer_minutes), to_utc(start))
        new = NewAppointment(
            query=query,
            start=start,
            customer_id=entry.customer_id,
            status="held",
            assigned=entry.provider_id is None,
            hold_expires_at=expires_at,
            waitlist_entry_id=entry.entry_id,
        )
        try:
            return create_appointment(self._write, new)
        except (SlotUnavailable, LockContention):
            return None


def _build_query(rules: BusinessRules, entry: m.WaitlistEntry) -> AvailabilityQuery | None:
    """Return None if the offering has changed so that the entry can no longer be served, for example to fewer seats."""
    try:
        return build_query(
            rules,
            entry.offering_id,
            provider_id=entry.provider_id,
            seats=entry.seats,
            customer_id=entry.customer_id,
        )
    except InvalidRequest:
        return None


def _search_key(entry: m.WaitlistEntry, query: AvailabilityQuery) -> tuple[UUID, UUID | None, int, UUID | None]:
    """Entries with the same key have the same free starts."""
    return entry.offering_id, entry.provider_id, entry.seats, entry.customer_id if query.limited else None


def _affected_offerings(rules: BusinessRules, freed: m.Appointment) -> list[UUID]:
    """Return the offerings that need one of the appointment's providers or resources."""
    providers = [rules.provider(each) for each in (freed.provider_ids or (freed.provider_id,))]
    performed = {offering_id for provider in providers for offering_id in provider.offering_ids}
    if freed.resource_ids:
        performed |= {offering.offering_id for offering in rules.offerings.values() if offering.needs}
    return [*performed]
