"""What a start needs besides the provider's time: seats, resources, limits."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from scheduling_service.engine.availability.occupancy import BookableSession, Occupancy
from scheduling_service.engine.availability.query import AvailabilityQuery
from scheduling_service.engine.hours import local_date
from scheduling_service.engine.rules import Range

CUSTOMER = -1
"""The customer's place among the counts."""


class Conditions:
    """One question's, over one reading of what is taken."""

    def __init__(self, query: AvailabilityQuery, occupancy: Occupancy) -> None:
        self._query = query
        self._occupied_reasons = occupancy
        self._limits = query.offering.limits

    def are_met(self, index: int, start: int) -> bool:
        """Whether a start at which this provider is free, or has a session to join, meets everything else."""
        if self.exceeded_limit(index, start) is not None:
            return False
        return self.session_to_join(index, start) is not None or self.free_resources(start) is not None

    def joinable_starts(self, index: int) -> set[int]:
        """The starts of this provider's sessions that have seats enough."""
        starts = {start for where, start in self._occupied_reasons.sessions if where == index}
        return {start for start in starts if self.session_to_join(index, start) is not None}

    def session_to_join(self, index: int, start: int) -> BookableSession | None:
        session = self._occupied_reasons.sessions.get((index, start))
        if session is None or session.ends != start + self._query.length:
            return None
        return session if session.seats_left >= self._query.seats else None

    def free_resources(self, start: int) -> tuple[UUID, ...] | None:
        """Those with the lowest ids among the free, for every need; None when one cannot be met."""
        chosen: list[UUID] = []
        at = 0
        for need in self._query.offering.needs:
            those = self._query.rules.resources_of(need.kind)
            free = [
                each.resource_id
                for each, busy in zip(those, self._occupied_reasons.resources[at : at + len(those)], strict=True)
                if self._is_free(start, busy, each.blocked)
            ]
            if len(free) < need.quantity:
                return None
            chosen += free[: need.quantity]
            at += len(those)
        return tuple(chosen)

    def exceeded_limit(self, index: int, start: int) -> str | None:
        """Whose limit one more at `start` would break."""
        if not self._query.limited:
            return None
        limits, day = self._limits, local_date(start, self._query.rules.zone_info)
        # One more seat is no further session of the provider.
        adds_session = self.session_to_join(index, start) is None
        if adds_session and self._full(index, day, limits.provider_day, limits.provider_week):
            return "provider_limit"
        if self._query.customer_id is not None and self._full(CUSTOMER, day, limits.customer_day, limits.customer_week):
            return "customer_limit"
        return None

    def _full(self, index: int, day: date, daily: int | None, weekly: int | None) -> bool:
        occupancy = self._occupied_reasons
        if daily is not None and occupancy.daily_counts.get((index, day), 0) >= daily:
            return True
        return weekly is not None and occupancy.weekly_count(index, day) >= weekly

    def _is_free(self, start: int, busy: Sequence[Range], blocked: Sequence[Range]) -> bool:
        begins, ends = self._query.claim(start)
        if any(begins < end and ends > begin for begin, end in busy):
            return False
        return not any(start < end and start + self._query.length > begin for begin, end in blocked)
