"""What a start needs besides the provider's time: seats, resources, limits."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from scheduling_service.engine.availability.question import Question
from scheduling_service.engine.availability.taken import Session, Taken
from scheduling_service.engine.hours import local_date
from scheduling_service.engine.rules import Range

CUSTOMER = -1
"""The customer's place among the counts."""


class Conditions:
    """One question's, over one reading of what is taken."""

    def __init__(self, question: Question, taken: Taken) -> None:
        self._question = question
        self._taken = taken
        self._limits = question.offering.limits

    def allow(self, place: int, start: int) -> bool:
        """Whether a start at which this provider is free, or has a session to join, meets everything else."""
        if self.limit_reached(place, start) is not None:
            return False
        return self.session_to_join(place, start) is not None or self.resources_at(start) is not None

    def joinable(self, place: int) -> set[int]:
        """The starts of this provider's sessions that have seats enough."""
        starts = {start for where, start in self._taken.sessions if where == place}
        return {start for start in starts if self.session_to_join(place, start) is not None}

    def session_to_join(self, place: int, start: int) -> Session | None:
        session = self._taken.sessions.get((place, start))
        if session is None or session.ends != start + self._question.length:
            return None
        return session if session.seats_left >= self._question.seats else None

    def resources_at(self, start: int) -> tuple[UUID, ...] | None:
        """Those with the lowest ids among the free, for every need; None when one cannot be met."""
        chosen: list[UUID] = []
        at = 0
        for need in self._question.offering.needs:
            those = self._question.rules.resources_of(need.kind)
            free = [
                each.resource_id
                for each, busy in zip(those, self._taken.resources[at : at + len(those)], strict=True)
                if self._is_free(start, busy, each.blocked)
            ]
            if len(free) < need.quantity:
                return None
            chosen += free[: need.quantity]
            at += len(those)
        return tuple(chosen)

    def limit_reached(self, place: int, start: int) -> str | None:
        """Whose limit one more at `start` would break."""
        if not self._question.limited:
            return None
        limits, day = self._limits, local_date(start, self._question.rules.local)
        # One more seat is no further session of the provider.
        adds_session = self.session_to_join(place, start) is None
        if adds_session and self._full(place, day, limits.provider_day, limits.provider_week):
            return "provider_limit"
        if self._question.customer_id is not None and self._full(
            CUSTOMER, day, limits.customer_day, limits.customer_week
        ):
            return "customer_limit"
        return None

    def _full(self, place: int, day: date, daily: int | None, weekly: int | None) -> bool:
        taken = self._taken
        if daily is not None and taken.days.get((place, day), 0) >= daily:
            return True
        return weekly is not None and taken.week(place, day) >= weekly

    def _is_free(self, start: int, busy: Sequence[Range], blocked: Sequence[Range]) -> bool:
        begins, ends = self._question.claim(start)
        if any(begins < end and ends > begin for begin, end in busy):
            return False
        return not any(start < end and start + self._question.length > begin for begin, end in blocked)
