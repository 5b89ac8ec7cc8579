"""What a module declares in order to follow the stream."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from contracts.scheduling.events import AnyEvent
from monolith.shared.database import Database

Handle = Callable[[AnyEvent, Connection], None]


class EventRejected(Exception):
    """Raised by a handler for an event that no repetition will make acceptable: it becomes a dead letter at once."""


@dataclass(frozen=True, slots=True)
class Consumer:
    """One module's interest in the stream.

    `name` is the consumer group, and the schema in which the module keeps its inbox (`create_consumer_tables`).
    `handle` is called once per event, in version order within an appointment, inside the transaction that also
    writes the inbox, with the event's business set for row-level security. It must do nothing that the
    transaction cannot undo. What it raises is tried again later, except `EventRejected`.
    """

    name: str
    database: Database
    handle: Handle
