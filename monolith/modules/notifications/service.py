"""The notifications service: event handling, preferences and the list of mails. It sends nothing itself."""

from collections.abc import Sequence
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
from monolith.modules.notifications.model import BusinessNotices, Kind, MessagePage, Preferences
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints.errors import invalid_cursor

REMINDER_LEAD_TIME = timedelta(hours=24)
NOTHING = BusinessNotices()


class NotificationsService:
    """Stores the mails that events require; `sender.py` sends them."""

    def __init__(self, database: ModuleDatabase) -> None:
        self._database = database

    def handle(self, events: Sequence[AnyEvent], connection: Connection) -> None:
        """Store the mails for events and replace the reminders of their appointments, in the caller's transaction."""
        reported = [(event, kind) for event in events if (kind := _kind(event)) is not None]
        preferences = repository.customer_preferences(connection, [event for event, _ in reported])
        repository.add_messages(connection, [each for each in reported if preferences(each[0]).wants(each[1])])
        noticed = [(event, kind) for event in events if (kind := _business_kind(event)) is not None]
        notices = repository.business_notices(connection, {event.business_id for event, _ in noticed})
        repository.add_messages(
            connection, [each for each in noticed if notices.get(each[0].business_id, NOTHING).wants(each[1])]
        )
        repository.void_reminders(connection, [event for event in events if event.version > 1])
        booked = [event for event in events if event.appointment.status == "booked"]
        repository.add_reminders(connection, booked, REMINDER_LEAD_TIME)

    def preferences(self, business_id: UUID, user_id: UUID) -> Preferences:
        """Return the user's preferences. Raises DatabaseUnavailable."""
        with self._database.transaction(business_id) as connection:
            return repository.preferences_of(connection, business_id, user_id)

    def set_preferences(self, business_id: UUID, user_id: UUID, wanted: Preferences) -> Preferences:
        """Replace the preferences. Idempotent. Already queued mails are still sent. Raises DatabaseUnavailable."""
        with self._database.transaction(business_id) as connection:
            repository.set_preferences(connection, business_id, user_id, wanted)
        return wanted

    def business_notices(self, business_id: UUID) -> BusinessNotices:
        """Return the notifications that the business receives. Raises DatabaseUnavailable."""
        with self._database.transaction(business_id) as connection:
            return repository.business_notices(connection, {business_id}).get(business_id, NOTHING)

    def set_business_notices(self, business_id: UUID, wanted: BusinessNotices) -> BusinessNotices:
        """Replace the notifications that the business receives. Idempotent. Already queued mails are still sent."""
        with self._database.transaction(business_id) as connection:
            repository.set_business_notices(connection, business_id, wanted)
        return wanted

    def messages(self, business_id: UUID, cursor: str | None, limit: int) -> MessagePage:
        """Return a page of mails, newest first. Raises ApiError 400 for an invalid cursor, and DatabaseUnavailable."""
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
    """Return the kind of mail for an event; None if the customer sees the effect anyway, like a hold in a checkout."""
    match event:
        case AppointmentRescheduled(notify=False) | AppointmentCancelled(notify=False):
            return None
        case AppointmentHeld(waitlist_entry_id=None):
            return None
        case AppointmentCancelled() if event.appointment.hold_expires_at is not None:
            return None
        case AppointmentNoShow() if event.appointment.fee_percent == 0:
            return None
    return _KINDS.get(type(event))


_BUSINESS_KINDS: dict[type[Event], Kind] = {
    AppointmentRequested: "business_request",
    AppointmentBooked: "business_booking",
    AppointmentRescheduled: "business_change",
    AppointmentCancelled: "business_cancellation",
}


def _business_kind(event: AnyEvent) -> Kind | None:
    """Return the kind of mail to the business; None for holds and ended appointments."""
    if isinstance(event, AppointmentCancelled) and event.appointment.hold_expires_at is not None:
        return None
    return _BUSINESS_KINDS.get(type(event))


def _position(cursor: str) -> UUID:
    try:
        return UUID(hex=cursor)
    except ValueError:
        raise invalid_cursor() from None
