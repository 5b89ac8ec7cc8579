"""Who gets a booking that names nobody: fair, and the same in the same state.

Assignments of one offering take turns, so each sees those before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from scheduling_service.engine.availability import AvailabilityQuery, Candidate
from scheduling_service.engine.hours import instant_of, local_date
from scheduling_service.engine.store import assignment as store
from scheduling_service.engine.store.assignment import RotationEntry
from scheduling_service.engine.write_transaction import Write

_STRIDE = 1_000_000


@dataclass(frozen=True)
class Rotation:
    """How the offering's assignments stand, locked until the transaction ends."""

    known: dict[UUID, RotationEntry]

    def rank(self, write: Write, query: AvailabilityQuery, start: int, offers: Sequence[Candidate]) -> list[Candidate]:
        """Whoever is to have it first; a session that has seats left before a new one is opened."""
        minutes: dict[UUID, int] = {}
        if query.offering.assignment == "most_free" and len(offers) > 1:
            minutes = self._booked_minutes(write, query, start, [offer.provider_ids[0] for offer in offers])

        def rank(offer: Candidate) -> tuple[bool, int, int, UUID]:
            provider_id = offer.provider_ids[0]
            turn = self.of(provider_id)
            by = {"weighted": turn.passed, "most_free": minutes.get(provider_id, 0)}
            return offer.session_id is None, by.get(query.offering.assignment, 0), turn.last_assigned, provider_id

        return sorted(offers, key=rank)

    def of(self, provider_id: UUID) -> RotationEntry:
        """Who was never assigned begins where the last in line stands, and does not catch up on what others had."""
        least = min((turn.passed for turn in self.known.values()), default=0)
        return self.known.get(provider_id) or RotationEntry(provider_id, 0, least)

    def record(self, write: Write, query: AvailabilityQuery, provider_id: UUID) -> None:
        """Whoever could have had it joins the line too, where the last in line stood before this."""
        weight = query.rules.provider(provider_id).weight
        count = 1 + max((turn.last_assigned for turn in self.known.values()), default=0)
        newcomers = [self.of(each.provider_id) for each in query.providers if each.provider_id not in self.known]
        rotation = [turn for turn in newcomers if turn.provider_id != provider_id]
        rotation.append(RotationEntry(provider_id, count, self.of(provider_id).passed + _STRIDE // weight))
        store.write_rotation(write.db, write.ctx.business_id, query.offering.offering_id, rotation)

    def _booked_minutes(
        self, write: Write, query: AvailabilityQuery, start: int, ids: Sequence[UUID]
    ) -> dict[UUID, int]:
        zone = query.rules.zone_info
        day = local_date(start, zone)
        interval = instant_of(day, 0, zone), instant_of(day + timedelta(days=1), 0, zone)
        return store.booked_minutes(write.db, write.ctx.business_id, ids, interval)


def lock_rotation(write: Write, query: AvailabilityQuery) -> Rotation:
    """Waits for whoever assigns this offering now; one's choice then sees theirs."""
    rotation = store.lock_turns(write.db, write.ctx.business_id, query.offering.offering_id)
    performing = {each.provider_id for each in query.providers}
    return Rotation({turn.provider_id: turn for turn in rotation if turn.provider_id in performing})
