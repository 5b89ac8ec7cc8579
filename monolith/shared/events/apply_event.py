"""From an entry of the stream to its one effect."""

from enum import Enum, auto

from contracts.scheduling.codec import MalformedReply, decode_event
from contracts.scheduling.events import AnyEvent
from monolith.shared.events.consumer import Consumer
from monolith.shared.events.consumer_group import StreamEntry
from monolith.shared.events.inbox import Inbox

LARGEST_EVENT = 64 * 1024


class InvalidEntry(Exception):
    """Not an event that a relay put into the stream."""


class ApplyOutcome(Enum):
    APPLIED = auto()
    ALREADY_APPLIED = auto()
    EARLY = auto()
    """Its predecessor has not come yet; the event is kept in the module's own schema meanwhile."""
    DEAD = auto()
    """It is a dead letter already."""


def read_event(entry: StreamEntry) -> AnyEvent:
    """Raises InvalidEntry."""
    if len(entry.payload) > LARGEST_EVENT:
        raise InvalidEntry(f"an event of {len(entry.payload)} bytes")
    try:
        event = decode_event(entry.payload)
    except MalformedReply as error:
        raise InvalidEntry(str(error)) from error
    if entry.stated_id != str(event.event_id):
        raise InvalidEntry("the entry's id is not the event's")
    return event


def apply_event(consumer: Consumer, inbox: Inbox, event: AnyEvent) -> tuple[ApplyOutcome, bytes | None]:
    """Effect and inbox in one transaction; repeating it does nothing. The bytes are the event that was early and can
    be applied next. Raises what the handler raises; then nothing was done."""
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
