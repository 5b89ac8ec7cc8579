"""Declaration of an event consumer."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from contracts.scheduling.events import AnyEvent
from monolith.shared.database import Database

Handle = Callable[[AnyEvent, Connection], None]


class EventRejected(Exception):
    """Raised by a handler for an event that no retry can apply; it becomes a dead letter immediately."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A module's subscription to the event stream.

    `name` is the consumer group, and the schema of the module's inbox (`create_consumer_tables`). `handle` is called
    once per event, in version order within an appointment, inside the transaction that also writes the inbox, with the
    event's business set for row-level security. It must have no effects outside the transaction. After an exception the
    event is retried later, except after `EventRejected`.
    """

    name: str
    database: Database
    handle: Handle
