"""From an entry of the stream to its one effect."""

from enum import Enum, auto

from contracts.scheduling.codec import MalformedReply, decode_event
from contracts.scheduling.events import AnyEvent
from monolith.shared.events.consumer import Consumer
from monolith.shared.events.group import Entry
from monolith.shared.events.inbox import Inbox

LARGEST_EVENT = 64 * 1024


class Forged(Exception):
    """Not an event that a relay put into the stream."""


class Outcome(Enum):
    APPLIED = auto()
    ALREADY_APPLIED = auto()
    EARLY = auto()
    """Its predecessor has not come yet; the event is kept in the module's own schema meanwhile."""
    DEAD = auto()
    """It is a dead letter already."""


def read_event(entry: Entry) -> AnyEvent:
    """Raises Forged."""
    if len(entry.payload) > LARGEST_EVENT:
        raise Forged(f"an event of {len(entry.payload)} bytes")
    try:
        event = decode_event(entry.payload)
    except MalformedReply as error:
        raise Forged(str(error)) from error
    if entry.stated_id != str(event.event_id):
        raise Forged("the entry's id is not the event's")
    return event


def apply(consumer: Consumer, inbox: Inbox, event: AnyEvent) -> tuple[Outcome, bytes | None]:
    """Effect and inbox in one transaction; repeating it does nothing. The bytes are the event that was early and can
    be applied next. Raises what the handler raises; then nothing was done."""
    with consumer.database.transaction(event.business_id) as connection:
        inbox.lock(connection, event.appointment.appointment_id)
        standing = inbox.standing(connection, event)
        if event.version <= standing.applied:
            return Outcome.ALREADY_APPLIED, None
        if standing.dead:
            return Outcome.DEAD, None
        if event.version > standing.applied + 1:
            inbox.keep_early(connection, event)
            return Outcome.EARLY, None
        inbox.record(connection, event, standing)
        consumer.handle(event, connection)
        return Outcome.APPLIED, standing.successor
