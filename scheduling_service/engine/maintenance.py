"""Apply the changes that are due: expire overdue holds and offer free time to the waitlist."""

from contracts.scheduling import models as m
from scheduling_service.engine.booking.expiry import expire_overdue_holds
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.store import waitlist as store
from scheduling_service.engine.waitlist_offers import offer_freed, offer_to_entries
from scheduling_service.engine.write_transaction import Write

_MAX_ENTRIES = 1_000
"""Entries that one call examines; most need no statement, because an earlier one with the same search found none."""


def settle(write: Write, rules: BusinessRules, request: m.Settle) -> m.Settled:
    """Expire holds and offer their time, end past waitlist entries, and offer time that is free for other reasons."""
    expired = expire_overdue_holds(write, request.limit)
    offered = 0
    for each in expired:
        if offered < request.limit:
            offered += offer_freed(write, rules, each.appointment)
    store.lapse_past_entries(write.db, write.ctx.business_id, request.limit)
    if offered < request.limit:
        waiting = store.read_all_waiting(write.db, write.ctx.business_id, _MAX_ENTRIES)
        offered += offer_to_entries(write, rules, waiting, limit=request.limit - offered)
    return m.Settled(expired=len(expired), offered=offered)
