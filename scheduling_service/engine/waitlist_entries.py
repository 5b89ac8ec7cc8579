"""Joining the waitlist, leaving it, and seeing who is on it."""

from datetime import UTC
from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.context import Actor
from contracts.scheduling.errors import InvalidRequest, InvalidTransition, Unavailable, WaitlistEntryNotFound
from scheduling_service.engine.availability import build_query
from scheduling_service.engine.booking.creation import require_own
from scheduling_service.engine.booking.lifecycle import cancel_found
from scheduling_service.engine.cursors import decode_cursor, encode_cursor
from scheduling_service.engine.database import Connection
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.store import appointments
from scheduling_service.engine.store import waitlist as store
from scheduling_service.engine.waitlist_offers import is_offerable, offer_to_entries
from scheduling_service.engine.write_transaction import Write

_OLDER = 50
_ROUNDS = 3


def join_waitlist(write: Write, rules: BusinessRules, request: m.JoinWaitlist) -> m.WaitlistEntry:
    require_own(write, request.customer_id, "A customer waits for themselves only.")
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
    # Who has waited longer comes first, should something be free that nobody was told of yet.
    offer_to_entries(write, rules, [*_longer_waiting(write, rules, entry), entry])
    return _require(store.read_entry(write.db, write.ctx.business_id, entry.entry_id))


def leave_waitlist(write: Write, rules: BusinessRules, request: m.LeaveWaitlist) -> m.WaitlistEntry:
    entry, offered = _locked(write, request.entry_id)
    if entry.status not in ("waiting", "offered"):
        raise InvalidTransition("You no longer wait for this.")
    store.mark_left(write.db, write.ctx.business_id, entry.entry_id)
    if offered is not None and offered.appointment.status == "held":
        cancel_found(write, rules, offered, "")
    return _require(store.read_entry(write.db, write.ctx.business_id, entry.entry_id))


def list_waitlist(db: Connection, business_id: UUID, actor: Actor, request: m.ListWaitlist) -> m.WaitlistPage:
    found = store.read_page(
        db,
        business_id,
        {
            "offering_id": request.offering_id,
            "status": request.status,
            "customer_id": actor.id if actor.kind == "customer" else None,
        },
        after=decode_cursor(request.cursor) if request.cursor else None,
        limit=request.limit + 1,
    )
    page, more = found[: request.limit], len(found) > request.limit
    return m.WaitlistPage(
        entries=tuple(page), next_cursor=encode_cursor(page[-1].joined_at, page[-1].entry_id) if more else None
    )


def _longer_waiting(write: Write, rules: BusinessRules, entry: m.WaitlistEntry) -> list[m.WaitlistEntry]:
    found = store.read_waiting(
        write.db,
        write.ctx.business_id,
        among=[*rules.offerings],
        start=entry.start,
        end=entry.end,
        limit=_OLDER,
    )
    return [each for each in found if each.entry_id != entry.entry_id]


def _locked(write: Write, entry_id: UUID) -> tuple[m.WaitlistEntry, appointments.LockedAppointment | None]:
    """The entry and the hold it was offered; the hold is locked first, as by whoever confirms it."""
    db, business_id, actor = write.db, write.ctx.business_id, write.ctx.actor
    for _ in range(_ROUNDS):
        seen = store.read_entry(db, business_id, entry_id)
        if seen is None or (actor.kind == "customer" and seen.customer_id != actor.id):
            raise WaitlistEntryNotFound("You are not on the waitlist for this.")
        offered = None
        if seen.appointment_id is not None:
            offered = appointments.lock_appointment(db, business_id, seen.appointment_id)
        entry = store.read_entry(db, business_id, entry_id, lock=True)
        if entry is not None and entry.appointment_id == seen.appointment_id:
            return entry, offered
    raise Unavailable("Somebody else is dealing with this; nothing was done.", retry_after=0.2)


def _require(entry: m.WaitlistEntry | None) -> m.WaitlistEntry:
    assert entry is not None, "entries are never deleted"
    return entry
