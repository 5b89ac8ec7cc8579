"""Offers to those who wait: a hold for a limited time, to whoever waits longest, in the transaction that made room.

An entry is locked when there is something to offer, and passed over if another transaction has it, or has the turn to
assign what it asks for: so none gets two offers, and nobody waits for anybody. Who was passed over, and then got no
offer, is settled later.
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
from scheduling_service.engine.rules import BusinessRules, Range
from scheduling_service.engine.store import waitlist as store
from scheduling_service.engine.write_transaction import LockContention, Write

_LOOKED_AT = 50
"""How many entries one change looks at; settling looks at the others."""
_SEARCHES = 200
_SPARE_SECONDS = 0.5
"""What made room must not fail because many wait for it; who was not looked at is settled later."""
_TRIES = 3
_LONGEST_BEFORE = timedelta(hours=12)
_LONGEST_TAIL = timedelta(hours=24 + 12)


def offer_freed(write: Write, rules: BusinessRules, freed: m.Appointment) -> int:
    """Offer the time that an appointment gave back; answers how many offers were made."""
    offering = rules.offering(freed.offering_id)
    begins = freed.starts_at - timedelta(minutes=offering.buffer_before_minutes)
    ends = freed.ends_at + timedelta(minutes=offering.buffer_after_minutes)
    if ends <= write.now:
        return 0
    waiting = store.read_waiting(
        write.db,
        write.ctx.business_id,
        among=_concerned(rules, freed),
        start=begins - _LONGEST_TAIL,
        end=ends + _LONGEST_BEFORE,
        limit=_LOOKED_AT,
    )
    return offer_to_entries(write, rules, waiting, meeting=(begins, ends)) if waiting else 0


def offer_to_entries(
    write: Write,
    rules: BusinessRules,
    waiting: Iterable[m.WaitlistEntry],
    *,
    meeting: tuple[datetime, datetime] | None = None,
    limit: int = _SEARCHES,
) -> int:
    """Offer to these, in this order and `limit` at most, what is free: only what takes some of the time between the two
    moments of `meeting`, if it is given. Answers how many offers were made."""
    offers = _Offers(write, rules, meeting)
    for entry in waiting:
        if offers.made >= limit or offers.searches >= _SEARCHES or write.ctx.deadline.remaining() < _SPARE_SECONDS:
            break
        offers.make(entry)
    return offers.made


def is_offerable(write: Write, rules: BusinessRules, entry: m.WaitlistEntry) -> bool:
    """Whether there is something that could be offered now, did nobody wait longer."""
    return _Offers(write, rules, None).could_make(entry)


class _Offers:
    """What was full for one is full for the next who asks the same: offers only take time, they give none back."""

    def __init__(self, write: Write, rules: BusinessRules, meeting: tuple[datetime, datetime] | None) -> None:
        self._write = dataclasses.replace(
            write, ctx=replace(write.ctx, actor=SYSTEM), operation="offer", may_wait=False, in_passing=True
        )
        self._rules = rules
        self._meeting = meeting
        self._full: dict[tuple[UUID, UUID | None, int, UUID | None], list[Range]] = {}
        self.made = 0
        self.searches = 0

    def could_make(self, entry: m.WaitlistEntry) -> bool:
        query = _build_query(self._rules, entry)
        window = None if query is None else self._window(entry, query)
        return query is not None and window is not None and bool(self._free(query, window))

    def make(self, entry: m.WaitlistEntry) -> None:
        """Hold the first time that suits, if there is one."""
        query = _build_query(self._rules, entry)
        window = None if query is None else self._window(entry, query)
        if query is None or window is None or self._known_full(entry, query, window):
            return
        starts = self._free(query, window)
        if not starts:
            self._full.setdefault(_asked(entry, query), []).append(window)
        elif store.lock_if_waiting(self._write.db, self._write.ctx.business_id, entry.entry_id):
            self._hold_first(entry, query, starts[:_TRIES])

    def _hold_first(self, entry: m.WaitlistEntry, query: AvailabilityQuery, starts: list[int]) -> None:
        for start in starts:
            held = self._hold(entry, query, start)
            if held is not None:
                store.mark_offered(self._write.db, self._write.ctx.business_id, entry.entry_id, held.appointment_id)
                self.made += 1
                return

    def _window(self, entry: m.WaitlistEntry, query: AvailabilityQuery) -> Range | None:
        start, end = math.ceil(entry.start.timestamp()), math.ceil(entry.end.timestamp())
        if self._meeting is not None:
            begins, ends = (int(moment.timestamp()) for moment in self._meeting)
            start = max(start, begins - query.length - query.after + 1)
            end = min(end, ends + query.before)
        return (start, end) if start < end else None

    def _known_full(self, entry: m.WaitlistEntry, query: AvailabilityQuery, window: Range) -> bool:
        known = self._full.get(_asked(entry, query), ())
        return any(start <= window[0] and window[1] <= end for start, end in known)

    def _free(self, query: AvailabilityQuery, window: Range) -> list[int]:
        self.searches += 1
        occupancy = read_occupancy(self._write.db, self._write.ctx.business_id, query, window)
        assert occupancy is not None, "a write has a business"
        return list(dict.fromkeys(start for start, _ in free_starts(query, window, occupancy)))

    def _hold(self, entry: m.WaitlistEntry, query: AvailabilityQuery, start: int) -> m.Appointment | None:
        """None when somebody else was faster."""
        # An offer ends when its time begins, at the latest.
        expires_at = min(self._write.now + timedelta(minutes=entry.offer_minutes), to_utc(start))
        wanted = NewAppointment(
            query=query,
            start=start,
            customer_id=entry.customer_id,
            status="held",
            assigned=entry.provider_id is None,
            hold_expires_at=expires_at,
            waitlist_entry_id=entry.entry_id,
        )
        try:
            return create_appointment(self._write, wanted)
        except (SlotUnavailable, LockContention):
            return None


def _build_query(rules: BusinessRules, entry: m.WaitlistEntry) -> AvailabilityQuery | None:
    """None when the offering has become something that nobody can be offered: with fewer seats, say."""
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


def _asked(entry: m.WaitlistEntry, query: AvailabilityQuery) -> tuple[UUID, UUID | None, int, UUID | None]:
    """Entries with the same are answered alike."""
    return entry.offering_id, entry.provider_id, entry.seats, entry.customer_id if query.limited else None


def _concerned(rules: BusinessRules, freed: m.Appointment) -> list[UUID]:
    """The offerings that the providers or the resources of an appointment are needed for."""
    providers = [rules.provider(each) for each in (freed.provider_ids or (freed.provider_id,))]
    performed = {offering_id for provider in providers for offering_id in provider.offering_ids}
    if freed.resource_ids:
        performed |= {offering.offering_id for offering in rules.offerings.values() if offering.needs}
    return [*performed]
