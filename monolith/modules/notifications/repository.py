"""SQL for mails, preferences and reminders of one business, under the role `notifications_app`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from contracts.scheduling.events import AnyEvent, encode_event
from monolith.modules.notifications.model import Kind, Message, Preferences
from monolith.modules.notifications.tables import message, preference, reminder
from monolith.shared.database import new_id

_WAITING = "waiting"


def preferences_of(connection: Connection, business_id: UUID, user_id: UUID) -> Preferences:
    """Return the preferences of a user. Primary key."""
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


def add_message(connection: Connection, event: AnyEvent, kind: Kind) -> None:
    """Queue a mail, once per appointment, version and kind. Index message_once."""
    connection.execute(
        insert(message)
        .values(
            message_id=new_id(),
            business_id=event.business_id,
            user_id=event.appointment.customer_id,
            appointment_id=event.appointment.appointment_id,
            version=event.version,
            kind=kind,
            event=encode_event(event),
        )
        .on_conflict_do_nothing(constraint="message_once")
    )


def void_reminders(connection: Connection, event: AnyEvent) -> None:
    """Void the reminders of earlier versions of the appointment. Primary key."""
    connection.execute(
        update(reminder)
        .values(state="void")
        .where(
            reminder.c.business_id == event.business_id,
            reminder.c.appointment_id == event.appointment.appointment_id,
            reminder.c.state == _WAITING,
        )
    )


def add_reminder(connection: Connection, event: AnyEvent, due_at: datetime) -> None:
    """Add a reminder if `due_at` is in the future, by the database's clock."""
    values = {
        "business_id": event.business_id,
        "appointment_id": event.appointment.appointment_id,
        "version": event.version,
        "due_at": due_at,
        "event": encode_event(event),
    }
    if_upcoming = select(*(literal(value, reminder.c[name].type) for name, value in values.items())).where(
        literal(due_at, reminder.c.due_at.type) > func.now()
    )
    connection.execute(insert(reminder).from_select(list(values), if_upcoming).on_conflict_do_nothing())


def messages(connection: Connection, business_id: UUID, before: UUID | None, limit: int) -> list[Message]:
    """Return mails, newest first; ids grow with time. Index message_by_business."""
    columns = [message.c[name] for name in Message.__struct_fields__]
    query = select(*columns).where(message.c.business_id == business_id)
    if before is not None:
        query = query.where(message.c.message_id < before)
    rows = connection.execute(query.order_by(message.c.message_id.desc()).limit(limit))
    return [Message(**row._mapping) for row in rows]
