"""Planning of a batch of events from the state of the inbox. Pure functions."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from enum import Enum, auto
from uuid import UUID

from contracts.scheduling.events import AnyEvent

VersionKey = tuple[UUID, int]
"""An appointment and the version of one of its events."""


class ApplyOutcome(Enum):
    APPLIED = auto()
    ALREADY_APPLIED = auto()
    EARLY = auto()
    """Its predecessor has not arrived yet; the event is stored in the module's schema until then."""
    DEAD = auto()
    """The event is already a dead letter."""


@dataclass(frozen=True, slots=True)
class KnownEvents:
    """The state of the appointments and events of a batch in the inbox.

    `applied` holds the newest applied version of each appointment. `dead` holds the events with a dead letter: true
    unless the letter is being replayed. `early` holds the payloads of stored early events.
    """

    applied: Mapping[UUID, int]
    dead: Mapping[UUID, bool]
    early: Mapping[VersionKey, bytes]


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """The outcome of each event, in order, and the events to apply, at most one of an appointment in each wave.

    `successors` are the payloads of early events that can be applied once this batch is committed.
    `already_applied` are the events whose effect an earlier batch, or this one, has had.
    """

    outcomes: list[ApplyOutcome] = field(default_factory=list)
    waves: list[list[AnyEvent]] = field(default_factory=list)
    early: list[AnyEvent] = field(default_factory=list)
    already_applied: list[AnyEvent] = field(default_factory=list)
    successors: list[bytes] = field(default_factory=list)

    @property
    def applied(self) -> list[AnyEvent]:
        """The events of all waves, in order."""
        return [event for wave in self.waves for event in wave]


def plan_batch(
    events: Sequence[AnyEvent], known: KnownEvents, without_predecessor: Set[UUID] = frozenset()
) -> BatchPlan:
    """Plan to apply version n of an appointment only after n-1, and no event twice.

    The events in `without_predecessor` wait for none. Events that overtook their predecessors within the batch are put
    back in order.
    """
    plan = BatchPlan(outcomes=[ApplyOutcome.EARLY] * len(events))
    applied = dict(known.applied)
    next_wave: dict[UUID, int] = {}
    for index, event in sorted(enumerate(events), key=lambda each: each[1].version):
        appointment_id = event.appointment.appointment_id
        outcome = plan.outcomes[index] = _outcome(event, applied.get(appointment_id, 0), known)
        if outcome is ApplyOutcome.EARLY and event.event_id in without_predecessor:
            outcome = plan.outcomes[index] = ApplyOutcome.APPLIED
        if outcome is ApplyOutcome.EARLY:
            plan.early.append(event)
        elif outcome is ApplyOutcome.ALREADY_APPLIED:
            plan.already_applied.append(event)
        elif outcome is ApplyOutcome.APPLIED:
            wave = next_wave.get(appointment_id, 0)
            if wave == len(plan.waves):
                plan.waves.append([])
            plan.waves[wave].append(event)
            next_wave[appointment_id], applied[appointment_id] = wave + 1, event.version
    for appointment_id in next_wave:
        successor = known.early.get((appointment_id, applied[appointment_id] + 1))
        if successor is not None:
            plan.successors.append(successor)
    return plan


def _outcome(event: AnyEvent, applied: int, known: KnownEvents) -> ApplyOutcome:
    if event.version <= applied:
        return ApplyOutcome.ALREADY_APPLIED
    if known.dead.get(event.event_id, False):
        return ApplyOutcome.DEAD
    return ApplyOutcome.APPLIED if event.version == applied + 1 else ApplyOutcome.EARLY
