"""Deterministic, fair choice of a provider when the booking names none.

The write holds the offering's lock, so each assignment sees those before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from scheduling_service.engine.availability import AvailabilityQuery, Candidate, Occupancy, read_occupancy_later
from scheduling_service.engine.hours import instant_of, local_date
from scheduling_service.engine.store import assignment as store
from scheduling_service.engine.store.assignment import RotationEntry
from scheduling_service.engine.write_transaction import Write

_STRIDE = 1_000_000


@dataclass(frozen=True)
class Rotation:
    """The entries of the providers that can perform the offering now."""

    entries: dict[UUID, RotationEntry]

    def rank(
        self, write: Write, query: AvailabilityQuery, start: int, candidates: Sequence[Candidate]
    ) -> list[Candidate]:
        """Sort the candidates, the one to book first; sessions with free seats precede new sessions."""
        minutes: dict[UUID, int] = {}
        if query.offering.assignment == "most_free" and len(candidates) > 1:
            minutes = _booked_minutes(write, query, start, [each.provider_ids[0] for each in candidates])

        def rank(candidate: Candidate) -> tuple[bool, int, int, UUID]:
            provider_id = candidate.provider_ids[0]
            entry = self.entry_for(provider_id)
            by = {"weighted": entry.passed, "most_free": minutes.get(provider_id, 0)}
            return candidate.session_id is None, by.get(query.offering.assignment, 0), entry.last_assigned, provider_id

        return sorted(candidates, key=rank)

    def entry_for(self, provider_id: UUID) -> RotationEntry:
        """Return the provider's entry; one never assigned starts at the lowest pass, so it does not catch up."""
        least = min((entry.passed for entry in self.entries.values()), default=0)
        return self.entries.get(provider_id) or RotationEntry(provider_id, 0, least)

    def record_assignment(self, write: Write, query: AvailabilityQuery, provider_id: UUID) -> None:
        """Store the assignment, and add the providers that were eligible for the first time at the lowest pass."""
        weight = query.rules.provider(provider_id).weight
        count = 1 + max((entry.last_assigned for entry in self.entries.values()), default=0)
        newcomers = [
            self.entry_for(each.provider_id) for each in query.providers if each.provider_id not in self.entries
        ]
        entries = [entry for entry in newcomers if entry.provider_id != provider_id]
        entries.append(RotationEntry(provider_id, count, self.entry_for(provider_id).passed + _STRIDE // weight))
        store.write_rotation(write.db, write.ctx.business_id, query.offering.offering_id, entries)


def read_rotation(write: Write, query: AvailabilityQuery) -> Rotation:
    """Read the rotation of an offering that this write has locked."""
    entries = store.read_rotation(write.db, write.ctx.business_id, query.offering.offering_id)
    performing = {each.provider_id for each in query.providers}
    return Rotation({entry.provider_id: entry for entry in entries if entry.provider_id in performing})


def try_rotation(write: Write, query: AvailabilityQuery, start: int) -> tuple[bool, Rotation, Occupancy]:
    """Try to lock the offering, and read its rotation and what is occupied at `start`, in one round trip.

    Returns whether it was locked. If not, the rotation is not to be used, and the occupancy tells only whether waiting
    for the lock can be of use. For queries that need provider time only.
    """
    locked = write.locks.try_offering(query.offering.offering_id)
    rotation, occupancy = _read_both(write, query, start)
    return locked(), rotation, occupancy


def wait_for_rotation(write: Write, query: AvailabilityQuery, start: int) -> tuple[Rotation, Occupancy]:
    """Lock the offering, and read its rotation and what is occupied at `start`, in one round trip."""
    write.locks.acquire(offering_ids=[query.offering.offering_id])
    return _read_both(write, query, start)


def _read_both(write: Write, query: AvailabilityQuery, start: int) -> tuple[Rotation, Occupancy]:
    occupancy = read_occupancy_later(write.db, write.ctx.business_id, query, (start, start + 1))
    rotation = read_rotation(write, query)
    return rotation, occupancy()


def _booked_minutes(write: Write, query: AvailabilityQuery, start: int, ids: Sequence[UUID]) -> dict[UUID, int]:
    zone = query.rules.zone_info
    day = local_date(start, zone)
    interval = instant_of(day, 0, zone), instant_of(day + timedelta(days=1), 0, zone)
    return store.booked_minutes(write.db, write.ctx.business_id, ids, interval)
