"""Decoding of stream entries, and the application of a batch in one transaction."""

from collections.abc import Sequence

from contracts.scheduling.events import AnyEvent, MalformedEvent, decode_event
from monolith.shared.events.batch import BatchPlan, plan_batch
from monolith.shared.events.consumer import Consumer
from monolith.shared.events.consumer_group import StreamEntry
from monolith.shared.events.inbox import Inbox

LARGEST_EVENT = 64 * 1024


class InvalidEntry(Exception):
    """The entry was not written by a relay: not an event of the contract, or with a wrong id."""


def read_event(entry: StreamEntry) -> AnyEvent:
    """Decode the event of an entry. Raises InvalidEntry."""
    if len(entry.payload) > LARGEST_EVENT:
        raise InvalidEntry(f"an event of {len(entry.payload)} bytes")
    try:
        event = decode_event(entry.payload)
    except MalformedEvent as error:
        raise InvalidEntry(str(error)) from error
    if entry.stated_id != str(event.event_id):
        raise InvalidEntry("the entry's id does not match the event's")
    return event


def apply_events(consumer: Consumer, inbox: Inbox, events: Sequence[AnyEvent]) -> BatchPlan:
    """Apply each event once and record it in the inbox, all in one transaction. Idempotent.

    Return what was done. An exception of the handler rolls everything back and propagates.
    """
    businesses = {event.business_id for event in events}
    appointments = {event.appointment.appointment_id for event in events}
    with consumer.database.transaction(businesses) as connection:
        inbox.lock(connection, businesses)
        known = inbox.known(connection, appointments, [event.event_id for event in events])
        plan = plan_batch(events, known)
        inbox.record(connection, plan.applied, known)
        inbox.store_early(connection, plan.early)
        for wave in plan.waves:
            consumer.handle(wave, connection)
        return plan
