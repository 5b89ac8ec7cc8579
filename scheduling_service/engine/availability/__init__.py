"""The one predicate that decides what is listed and what is accepted.

Listing calls `free_starts` with a window, and booking, by `candidates_at`, with one moment: over the same compiled
rules and the same snapshot of occupied time. So what is listed can be booked, and what is refused was not listed, but
for what others took in between.
"""

from scheduling_service.engine.availability.candidates import (
    Candidate,
    candidates_at,
    closest_provider,
    rejection_reasons,
)
from scheduling_service.engine.availability.conditions import Conditions
from scheduling_service.engine.availability.occupancy import Occupancy, read_occupancy
from scheduling_service.engine.availability.query import AvailabilityQuery, build_query
from scheduling_service.engine.availability.search import days_with_availability, free_slots, free_starts

__all__ = [
    "AvailabilityQuery",
    "Candidate",
    "Conditions",
    "Occupancy",
    "build_query",
    "candidates_at",
    "closest_provider",
    "days_with_availability",
    "free_slots",
    "free_starts",
    "read_occupancy",
    "rejection_reasons",
]
