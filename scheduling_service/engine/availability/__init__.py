"""The one predicate that decides what is listed and what is accepted.

Listing asks `free_starts` about a window, and booking, by `offers_at`, about one moment: over the same compiled rules
and the same reading of what is taken. So what is listed can be booked, and what is refused was not listed, but for what
others took in between.
"""

from scheduling_service.engine.availability.conditions import Conditions
from scheduling_service.engine.availability.listing import days_with_room, free_slots, free_starts
from scheduling_service.engine.availability.offering_at import Offer, closest, objections, offers_at
from scheduling_service.engine.availability.question import Question, ask
from scheduling_service.engine.availability.taken import Taken, read_taken

__all__ = [
    "Conditions",
    "Offer",
    "Question",
    "Taken",
    "ask",
    "closest",
    "days_with_room",
    "free_slots",
    "free_starts",
    "objections",
    "offers_at",
    "read_taken",
]
