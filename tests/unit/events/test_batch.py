"""Planning of a batch: every event once, and in version order within an appointment."""

from collections.abc import Mapping
from uuid import UUID

from contracts.scheduling.events import AnyEvent, encode_event
from monolith.shared.events.batch import ApplyOutcome, KnownEvents, VersionKey, plan_batch
from tests.integration.events.sample_events import Story


def known(
    applied: Mapping[UUID, int] | None = None,
    dead: Mapping[UUID, bool] | None = None,
    early: Mapping[VersionKey, bytes] | None = None,
) -> KnownEvents:
    return KnownEvents(applied=applied or {}, dead=dead or {}, early=early or {})


def test_events_of_different_appointments_are_one_wave() -> None:
    events = [Story().booked() for _ in range(3)]
    plan = plan_batch(events, known())
    assert plan.outcomes == [ApplyOutcome.APPLIED] * 3
    assert plan.waves == [events]


def test_versions_of_one_appointment_are_applied_in_order() -> None:
    story, other = Story(), Story().booked()
    booked, moved = story.booked(), story.rescheduled()
    plan = plan_batch([booked, moved, other], known())
    assert plan.waves == [[booked, other], [moved]]


def test_an_event_that_overtook_its_predecessor_in_the_batch_is_put_back_in_order() -> None:
    story, other = Story(), Story().booked()
    booked, moved = story.booked(), story.rescheduled()
    plan = plan_batch([moved, other, booked], known())
    assert plan.outcomes == [ApplyOutcome.APPLIED] * 3
    assert plan.waves == [[other, booked], [moved]]


def test_a_repeated_event_is_applied_once() -> None:
    booked = Story().booked()
    plan = plan_batch([booked, booked], known())
    assert plan.outcomes == [ApplyOutcome.APPLIED, ApplyOutcome.ALREADY_APPLIED]
    assert plan.applied == [booked]


def test_an_applied_version_is_not_applied_again() -> None:
    booked = Story().booked()
    plan = plan_batch([booked], known(applied={booked.appointment.appointment_id: 1}))
    assert plan.outcomes == [ApplyOutcome.ALREADY_APPLIED]
    assert plan.waves == []


def test_an_event_before_its_predecessor_is_stored() -> None:
    story = Story()
    story.booked()
    moved = story.rescheduled()
    plan = plan_batch([moved], known())
    assert plan.outcomes == [ApplyOutcome.EARLY]
    assert plan.early == [moved]


def test_the_stored_successor_of_an_applied_event_follows() -> None:
    story = Story()
    booked, moved = story.booked(), story.rescheduled()
    stored = {(moved.appointment.appointment_id, moved.version): encode_event(moved)}
    assert plan_batch([booked], known(early=stored)).successors == [encode_event(moved)]


def test_a_dead_letter_blocks_its_event_unless_it_is_being_replayed() -> None:
    booked: AnyEvent = Story().booked()
    assert plan_batch([booked], known(dead={booked.event_id: True})).outcomes == [ApplyOutcome.DEAD]
    assert plan_batch([booked], known(dead={booked.event_id: False})).outcomes == [ApplyOutcome.APPLIED]
