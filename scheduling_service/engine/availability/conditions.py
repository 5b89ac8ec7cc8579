"""Conditions of a start other than the provider's free time: seats, resources and limits."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from scheduling_service.engine.availability.occupancy import BookableSession, Occupancy
from scheduling_service.engine.availability.query import AvailabilityQuery
from scheduling_service.engine.hours import local_date
from scheduling_service.engine.rules import Range

CUSTOMER = -1
"""The customer's index in `Occupancy.daily_counts`."""


class StartConditions:
    """The conditions of one query, checked against one snapshot. `index` is a provider's index in the query."""

    def __init__(self, query: AvailabilityQuery, occupancy: Occupancy) -> None:
        self._query = query
        self._occupancy = occupancy
        self._limits = query.offering.limits

    def within_limits(self, index: int, start: int) -> bool:
        """Return whether one more appointment at `start` exceeds no limit."""
        return self.exceeded_limit(index, start) is None

    def joinable_starts(self, index: int) -> set[int]:
        """Return the starts of the provider's sessions that have enough free seats."""
        starts = {start for where, start in self._occupancy.sessions if where == index}
        return {start for start in starts if self.session_to_join(index, start) is not None}

    def session_to_join(self, index: int, start: int) -> BookableSession | None:
        """Return the session of the query's length at this start that has enough free seats, if there is one."""
        session = self._occupancy.sessions.get((index, start))
        if session is None or session.ends != start + self._query.length:
            return None
        return session if session.seats_left >= self._query.seats else None

    def free_resources(self, start: int) -> tuple[UUID, ...] | None:
        """Return the free resources with the lowest ids for every need; None if one need cannot be met."""
        chosen: list[UUID] = []
        position = 0
        for need in self._query.offering.needs:
            resources = self._query.rules.resources_of(need.kind)
            claimed = self._occupancy.resources[position : position + len(resources)]
            free = [
                each.resource_id
                for each, busy in zip(resources, claimed, strict=True)
                if self._is_free(start, busy, each.blocked)
            ]
            if len(free) < need.quantity:
                return None
            chosen += free[: need.quantity]
            position += len(resources)
        return tuple(chosen)

    def exceeded_limit(self, index: int, start: int) -> str | None:
        """Return the reason if one more appointment at `start` would exceed a limit."""
        if not self._query.limited:
            return None
        limits, day = self._limits, local_date(start, self._query.rules.zone_info)
        # A provider's limit counts sessions, so joining one does not add to it.
        adds_session = self.session_to_join(index, start) is None
        if adds_session and self._is_reached(index, day, limits.provider_day, limits.provider_week):
            return "provider_limit"
        if self._query.customer_id is not None and self._is_reached(
            CUSTOMER, day, limits.customer_day, limits.customer_week
        ):
            return "customer_limit"
        return None

    def _is_reached(self, index: int, day: date, daily: int | None, weekly: int | None) -> bool:
        occupancy = self._occupancy
        if daily is not None and occupancy.daily_counts.get((index, day), 0) >= daily:
            return True
        return weekly is not None and occupancy.weekly_count(index, day) >= weekly

    def _is_free(self, start: int, busy: Sequence[Range], blocked: Sequence[Range]) -> bool:
        begins, ends = self._query.claimed_range(start)
        if any(begins < end and ends > begin for begin, end in busy):
            return False
        return not any(start < end and start + self._query.length > begin for begin, end in blocked)
