"""Declaration of an event consumer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from contracts.scheduling.events import AnyEvent
from monolith.shared.database import ModuleDatabase

Handle = Callable[[Sequence[AnyEvent], Connection], None]


class EventRejected(Exception):
    """Raised by a handler for an event that no retry can apply; it becomes a dead letter immediately."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """A module's subscription to the event stream.

    `name` is the consumer group, and the schema of the module's inbox (`create_consumer_tables`). `handle` receives a
    batch of events of different appointments, inside the transaction that also writes the inbox, with the businesses of
    all its events set for row-level security. It receives each event once, in version order within an appointment, and
    must have no effects outside the transaction. After an exception the events of the batch are handled one by one, so
    that each failure is that of a single event; that event is retried later, except after `EventRejected`.
    """

    name: str
    database: ModuleDatabase
    handle: Handle
