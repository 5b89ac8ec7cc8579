"""Waitlist entries: join, leave, list."""

from datetime import UTC
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest, InvalidTransition, Unavailable, WaitlistEntryNotFound
from scheduling_service.engine.availability import build_query
from scheduling_service.engine.booking.creation import require_own
from scheduling_service.engine.booking.lifecycle import cancel_locked
from scheduling_service.engine.cursors import decode_cursor, encode_cursor
from scheduling_service.engine.read_transaction import Read
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.store import waitlist as store
from scheduling_service.engine.store.appointments import LockedAppointment
from scheduling_service.engine.waitlist_offers import is_offerable, offer_to_entries
from scheduling_service.engine.write_transaction import Write

_MAX_OLDER_ENTRIES = 50
_MAX_ATTEMPTS = 3


def join_waitlist(write: Write, rules: BusinessRules, request: m.JoinWaitlist) -> m.WaitlistEntry:
    """Add an entry; if something is free now, offer it, to older entries first."""
    require_own(write, request.customer_id, "Customers can only join the waitlist for themselves.")
    build_query(rules, request.offering_id, provider_id=request.provider_id, seats=request.seats)
    if request.end <= write.now:
        raise InvalidRequest("This time has passed.", field="end")
    entry = m.WaitlistEntry(
        entry_id=uuid7(),
        offering_id=request.offering_id,
        customer_id=request.customer_id,
        start=request.start.astimezone(UTC),
        end=request.end.astimezone(UTC),
        provider_id=request.provider_id,
        seats=request.seats,
        offer_minutes=request.offer_minutes,
        status="waiting",
        joined_at=write.now,
    )
    store.insert_entry(write.db, write.ctx.business_id, entry)
    if not is_offerable(write, rules, entry):
        return entry
    offer_to_entries(write, rules, [*_older_entries(write, rules, entry), entry])
    return _require(store.read_entry(write.db, write.ctx.business_id, entry.entry_id))


def leave_waitlist(write: Write, rules: BusinessRules, request: m.LeaveWaitlist) -> m.WaitlistEntry:
    """End an entry, and cancel the hold that was offered to it."""
    entry, offered = _lock_entry(write, request.entry_id)
    if entry.status not in ("waiting", "offered"):
        raise InvalidTransition("This waitlist entry has already ended.")
    store.mark_left(write.db, write.ctx.business_id, entry.entry_id)
    if offered is not None and offered.appointment.status == "held":
        cancel_locked(write, rules, offered, "")
    return _require(store.read_entry(write.db, write.ctx.business_id, entry.entry_id))


def list_waitlist(read: Read, request: m.ListWaitlist) -> m.WaitlistPage:
    """Return a page of entries, sorted by the time of joining. Customers see only their own."""
    found = store.read_page(
        read.db,
        read.business_id,
        {
            "offering_id": request.offering_id,
            "status": request.status,
            "customer_id": read.actor.id if read.actor.kind == "customer" else None,
        },
        after=decode_cursor(request.cursor) if request.cursor else None,
        limit=request.limit + 1,
    )
    page, more = found[: request.limit], len(found) > request.limit
    next_cursor = encode_cursor(page[-1].joined_at, page[-1].entry_id) if more else None
    return m.WaitlistPage(entries=tuple(page), next_cursor=next_cursor)


def _older_entries(write: Write, rules: BusinessRules, entry: m.WaitlistEntry) -> list[m.WaitlistEntry]:
    found = store.read_waiting(
        write.db,
        write.ctx.business_id,
        offering_ids=[*rules.offerings],
        start=entry.start,
        end=entry.end,
        limit=_MAX_OLDER_ENTRIES,
    )
    return [each for each in found if each.entry_id != entry.entry_id]


def _lock_entry(write: Write, entry_id: UUID) -> tuple[m.WaitlistEntry, LockedAppointment | None]:
    """Lock the hold that was offered to the entry, if any, and then the entry: the order in which `confirm` does."""
    db, business_id, actor = write.db, write.ctx.business_id, write.ctx.actor
    for _ in range(_MAX_ATTEMPTS):
        seen = store.read_entry(db, business_id, entry_id)
        if seen is None or (actor.kind == "customer" and seen.customer_id != actor.id):
            raise WaitlistEntryNotFound("There is no such waitlist entry.")
        offered = None if seen.appointment_id is None else write.locks.appointment(seen.appointment_id)
        entry = store.read_entry(db, business_id, entry_id, lock=True)
        if entry is not None and entry.appointment_id == seen.appointment_id:
            return entry, offered
    raise Unavailable("This waitlist entry is being changed; nothing was done.", retry_after=0.2)


def _require(entry: m.WaitlistEntry | None) -> m.WaitlistEntry:
    assert entry is not None, "entries are never deleted"
    return entry
