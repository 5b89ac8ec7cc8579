"""What follows from an event, and what people decide and see. Nothing is sent from here."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection

from contracts.scheduling.events import (
    AnyEvent,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentDeclined,
    AppointmentHeld,
    AppointmentNoShow,
    AppointmentRequested,
    AppointmentRescheduled,
    Event,
)
from monolith.modules.notifications import repository
from monolith.modules.notifications.model import Kind, MessagePage, Preferences
from monolith.shared.database import Database
from monolith.shared.endpoints.errors import invalid_cursor

REMINDER_LEAD_TIME = timedelta(hours=24)


class NotificationsService:
    """Writes down what is to be told; the sender tells it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def handle(self, event: AnyEvent, connection: Connection) -> None:
        """Part of the caller's transaction: a mail about what happened, and a reminder in place of an earlier one while
        the appointment is booked."""
        kind = _kind(event)
        if kind is not None:
            wanted = repository.preferences_of(connection, event.business_id, event.appointment.customer_id)
            if wanted.want(kind):
                repository.add_message(connection, event, kind)
        repository.void_reminders(connection, event)
        if event.appointment.status == "booked":
            repository.add_reminder(connection, event, event.appointment.starts_at - REMINDER_LEAD_TIME)

    def preferences(self, business_id: UUID, user_id: UUID) -> Preferences:
        """Raises DatabaseUnavailable."""
        with self._database.transaction(business_id) as connection:
            return repository.preferences_of(connection, business_id, user_id)

    def set_preferences(self, business_id: UUID, user_id: UUID, wanted: Preferences) -> Preferences:
        """Idempotent. Mails that wait to be sent are sent. Raises DatabaseUnavailable."""
        with self._database.transaction(business_id) as connection:
            repository.set_preferences(connection, business_id, user_id, wanted)
        return wanted

    def messages(self, business_id: UUID, cursor: str | None, limit: int) -> MessagePage:
        """Newest first. Raises ApiError for a cursor that this did not give, DatabaseUnavailable."""
        before = None if cursor is None else _position(cursor)
        with self._database.transaction(business_id) as connection:
            found = repository.messages(connection, business_id, before, limit + 1)
        page = tuple(found[:limit])
        return MessagePage(messages=page, next_cursor=page[-1].message_id.hex if len(found) > limit else None)


_KINDS: dict[type[Event], Kind] = {
    AppointmentHeld: "offer",
    AppointmentRequested: "request",
    AppointmentBooked: "confirmation",
    AppointmentDeclined: "decline",
    AppointmentRescheduled: "change",
    AppointmentCancelled: "cancellation",
    AppointmentNoShow: "no_show",
}


def _kind(event: AnyEvent) -> Kind | None:
    """None: nothing that the customer does not see for themselves, like the hold of their own checkout and its end."""
    match event:
        case AppointmentHeld(waitlist_entry_id=None):
            return None
        case AppointmentCancelled() if event.appointment.hold_expires_at is not None:
            return None
        case AppointmentNoShow() if event.appointment.fee_percent == 0:
            return None
    return _KINDS.get(type(event))


def _position(cursor: str) -> UUID:
    try:
        return UUID(hex=cursor)
    except ValueError:
        raise invalid_cursor() from None
