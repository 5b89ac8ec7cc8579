"""Availability: the one predicate that decides what search lists and what booking accepts.

Search calls `free_starts` with a window, and booking calls it, through `candidates_at`, with one moment, over the same
compiled rules and the same kind of snapshot. So what is listed can be booked, and what is refused was not listed,
except for what other writes occupied in between.
"""

from scheduling_service.engine.availability.candidates import (
    Candidate,
    candidates_at,
    closest_provider,
    rejection_reasons,
)
from scheduling_service.engine.availability.conditions import StartConditions
from scheduling_service.engine.availability.extent import bounded_end
from scheduling_service.engine.availability.occupancy import Occupancy, read_occupancy, read_occupancy_later
from scheduling_service.engine.availability.query import AvailabilityQuery, build_query
from scheduling_service.engine.availability.search import days_with_availability, free_slots, free_starts

__all__ = [
    "AvailabilityQuery",
    "Candidate",
    "Occupancy",
    "StartConditions",
    "bounded_end",
    "build_query",
    "candidates_at",
    "closest_provider",
    "days_with_availability",
    "free_slots",
    "free_starts",
    "read_occupancy",
    "read_occupancy_later",
    "rejection_reasons",
]
