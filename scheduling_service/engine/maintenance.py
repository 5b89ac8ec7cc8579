"""What is due by the database's clock, whoever notices first."""

from contracts.scheduling import models as m
from scheduling_service.engine.booking.expiry import expire_overdue
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.store import waitlist as store
from scheduling_service.engine.waitlist_offers import offer_freed, offer_to_entries
from scheduling_service.engine.write_transaction import Write

_WAITING = 1_000
"""How many entries one call goes through; most need no query, since others asked the same before them."""


def settle(write: Write, rules: BusinessRules, request: m.Settle) -> m.Settled:
    """Expire holds and offer their time; let go who waits for what has passed; offer what is free for other reasons."""
    expired = expire_overdue(write, request.limit)
    offered = 0
    for each in expired:
        if offered < request.limit:
            offered += offer_freed(write, rules, each.appointment)
    store.lapse_past_entries(write.db, write.ctx.business_id, request.limit)
    if offered < request.limit:
        waiting = store.read_all_waiting(write.db, write.ctx.business_id, _WAITING)
        offered += offer_to_entries(write, rules, waiting, limit=request.limit - offered)
    return m.Settled(expired=len(expired), offered=offered)
