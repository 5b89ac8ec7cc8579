"""Decoding of a stream entry, and its application in one transaction."""

from enum import Enum, auto

from contracts.scheduling.events import AnyEvent, MalformedEvent, decode_event
from monolith.shared.events.consumer import Consumer
from monolith.shared.events.consumer_group import StreamEntry
from monolith.shared.events.inbox import Inbox

LARGEST_EVENT = 64 * 1024


class InvalidEntry(Exception):
    """The entry was not written by a relay: not an event of the contract, or with a wrong id."""


class ApplyOutcome(Enum):
    APPLIED = auto()
    ALREADY_APPLIED = auto()
    EARLY = auto()
    """Its predecessor has not arrived yet; the event is stored in the module's schema until then."""
    DEAD = auto()
    """It is already a dead letter."""


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


def apply_event(consumer: Consumer, inbox: Inbox, event: AnyEvent) -> tuple[ApplyOutcome, bytes | None]:
    """Apply an event once and record it in the inbox, in one transaction. Idempotent.

    Also return the payload of the early event that can be applied next, if there is one. An exception of the handler
    rolls everything back and propagates.
    """
    with consumer.database.transaction(event.business_id) as connection:
        inbox.lock(connection, event.appointment.appointment_id)
        status = inbox.status(connection, event)
        if event.version <= status.applied:
            return ApplyOutcome.ALREADY_APPLIED, None
        if status.dead:
            return ApplyOutcome.DEAD, None
        if event.version > status.applied + 1:
            inbox.store_early(connection, event)
            return ApplyOutcome.EARLY, None
        inbox.record(connection, event, status)
        consumer.handle(event, connection)
        return ApplyOutcome.APPLIED, status.successor
