"""SQL for mails, preferences and reminders of one business, under the role `notifications_app`."""

from collections.abc import Callable, Collection, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from msgspec.structs import asdict
from sqlalchemy import Connection, Row, select, text
from sqlalchemy.dialects.postgresql import insert

from contracts.scheduling.events import AnyEvent, encode_event
from monolith.modules.notifications.model import BusinessNotices, Kind, Message, Preferences
from monolith.modules.notifications.tables import business_notice, message, preference
from monolith.shared.database import new_id

SERIES_DELAY: Final = timedelta(seconds=1)
"""How long mails about a series wait, so that those of one kind are sent together."""


def preferences_of(connection: Connection, business_id: UUID, user_id: UUID) -> Preferences:
    """Primary key."""
    row = connection.execute(
        select(preference.c.confirmation, preference.c.change, preference.c.cancellation, preference.c.reminder).where(
            preference.c.business_id == business_id, preference.c.user_id == user_id
        )
    ).one_or_none()
    return Preferences() if row is None else Preferences(**row._mapping)


def set_preferences(connection: Connection, business_id: UUID, user_id: UUID, wanted: Preferences) -> None:
    kinds = {
        "confirmation": wanted.confirmation,
        "change": wanted.change,
        "cancellation": wanted.cancellation,
        "reminder": wanted.reminder,
    }
    statement = insert(preference).values(business_id=business_id, user_id=user_id, **kinds)
    connection.execute(statement.on_conflict_do_update(constraint="preference_pkey", set_=kinds))


def customer_preferences(connection: Connection, events: Sequence[AnyEvent]) -> Callable[[AnyEvent], Preferences]:
    """Return a function from an event to the preferences of its customer. Primary key."""
    if not events:
        return lambda _: Preferences()
    rows = connection.execute(
        _PREFERENCES,
        {
            "businesses": [event.business_id for event in events],
            "users": [event.appointment.customer_id for event in events],
        },
    )
    known = {(row.business_id, row.user_id): _preferences(row) for row in rows}
    return lambda event: known.get((event.business_id, event.appointment.customer_id), Preferences())


def add_messages(connection: Connection, reported: Sequence[tuple[AnyEvent, Kind]]) -> None:
    """Queue mails, one per appointment, version and kind. Index message_once."""
    if reported:
        connection.execute(
            _MESSAGES,
            {
                "ids": [new_id() for _ in reported],
                "businesses": [event.business_id for event, _ in reported],
                "users": [event.appointment.customer_id for event, _ in reported],
                "appointments": [event.appointment.appointment_id for event, _ in reported],
                "versions": [event.version for event, _ in reported],
                "kinds": [kind for _, kind in reported],
                "events": [encode_event(event) for event, _ in reported],
                "series_delay": SERIES_DELAY,
                "series": [event.appointment.series_id for event, _ in reported],
            },
        )


def business_notices(connection: Connection, business_ids: Collection[UUID]) -> dict[UUID, BusinessNotices]:
    """Return the settings of the businesses that have chosen some. Primary key."""
    if not business_ids:
        return {}
    rows = connection.execute(select(business_notice).where(business_notice.c.business_id.in_(business_ids)))
    return {
        row.business_id: BusinessNotices(**{name: getattr(row, name) for name in BusinessNotices.__struct_fields__})
        for row in rows
    }


def set_business_notices(connection: Connection, business_id: UUID, wanted: BusinessNotices) -> None:
    values = asdict(wanted)
    statement = insert(business_notice).values(business_id=business_id, **values)
    connection.execute(statement.on_conflict_do_update(constraint="business_notice_pkey", set_=values))


def void_reminders(connection: Connection, events: Sequence[AnyEvent]) -> None:
    """Void the reminders of earlier versions of the appointments. Primary key."""
    if events:
        connection.execute(
            _VOID,
            {
                "businesses": [event.business_id for event in events],
                "appointments": [event.appointment.appointment_id for event in events],
            },
        )


def add_reminders(connection: Connection, events: Sequence[AnyEvent], lead_time: timedelta) -> None:
    """Add reminders `lead_time` before each appointment, unless that is in the past, by the database's clock."""
    if events:
        connection.execute(
            _REMINDERS,
            {
                "businesses": [event.business_id for event in events],
                "appointments": [event.appointment.appointment_id for event in events],
                "versions": [event.version for event in events],
                "due": [event.appointment.starts_at - lead_time for event in events],
                "events": [encode_event(event) for event in events],
            },
        )


def messages(connection: Connection, business_id: UUID, before: UUID | None, limit: int) -> list[Message]:
    """Return mails, newest first; ids grow with time. Index message_by_business."""
    columns = [message.c[name] for name in Message.__struct_fields__]
    query = select(*columns).where(message.c.business_id == business_id)
    if before is not None:
        query = query.where(message.c.message_id < before)
    rows = connection.execute(query.order_by(message.c.message_id.desc()).limit(limit))
    return [Message(**row._mapping) for row in rows]


def release_held(connection: Connection, user_id: UUID, owned: Collection[UUID]) -> None:
    """Let the mails be sent that were held until the user's address is confirmed.

    Indexes message_held and, for the businesses that the user owns, message_by_business.
    """
    connection.execute(_RELEASE, {"user_id": user_id, "owned": list(owned)})


def drop_held(connection: Connection, user_id: UUID, owned: Collection[UUID]) -> None:
    """Give up the mails that were held until the user's address is confirmed. Indexes as in `release_held`."""
    connection.execute(_DROP, {"user_id": user_id, "owned": list(owned)})


def forget_preferences(connection: Connection, user_id: UUID) -> None:
    """Return to the default preferences at all businesses. Index preference_of_user."""
    connection.execute(_FORGET, {"user_id": user_id})


def _preferences(row: Row[Any]) -> Preferences:
    return Preferences(
        confirmation=row.confirmation, change=row.change, cancellation=row.cancellation, reminder=row.reminder
    )


_PREFERENCES = text("""
    SELECT business_id, user_id, confirmation, change, cancellation, reminder
      FROM notifications.preference
     WHERE (business_id, user_id) IN (SELECT * FROM unnest(CAST(:businesses AS uuid[]), CAST(:users AS uuid[])))
""")
_MESSAGES = text("""
    INSERT INTO notifications.message (message_id, business_id, user_id, appointment_id, version, kind, event,
                                       series_id, next_attempt_at)
    SELECT *, now() + CASE WHEN series_id IS NULL THEN interval '0' ELSE CAST(:series_delay AS interval) END
      FROM unnest(CAST(:ids AS uuid[]), CAST(:businesses AS uuid[]), CAST(:users AS uuid[]),
                  CAST(:appointments AS uuid[]), CAST(:versions AS integer[]), CAST(:kinds AS text[]),
                  CAST(:events AS bytea[]), CAST(:series AS uuid[]))
           AS reported (message_id, business_id, user_id, appointment_id, version, kind, event, series_id)
        ON CONFLICT ON CONSTRAINT message_once DO NOTHING
""")
_RELEASE = text("""
    UPDATE notifications.message SET state = 'pending', next_attempt_at = now()
     WHERE (user_id = :user_id OR business_id = ANY (CAST(:owned AS uuid[]))) AND state = 'held'
""")
_DROP = text("""
    UPDATE notifications.message SET state = 'failed', problem = 'the account had another owner then'
     WHERE (user_id = :user_id OR business_id = ANY (CAST(:owned AS uuid[]))) AND state = 'held'
""")
_FORGET = text("DELETE FROM notifications.preference WHERE user_id = :user_id")
_VOID = text("""
    UPDATE notifications.reminder SET state = 'void'
     WHERE state = 'waiting' AND (business_id, appointment_id) IN
           (SELECT * FROM unnest(CAST(:businesses AS uuid[]), CAST(:appointments AS uuid[])))
""")
_REMINDERS = text("""
    INSERT INTO notifications.reminder (business_id, appointment_id, version, due_at, event)
    SELECT * FROM unnest(CAST(:businesses AS uuid[]), CAST(:appointments AS uuid[]), CAST(:versions AS integer[]),
                         CAST(:due AS timestamptz[]), CAST(:events AS bytea[]))
               AS given (business_id, appointment_id, version, due_at, event)
     WHERE due_at > now()
        ON CONFLICT DO NOTHING
""")
