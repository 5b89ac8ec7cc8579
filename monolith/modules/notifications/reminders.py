"""Creation of mails for due reminders. Runs as the role `notifications_sender`."""

from sqlalchemy import Connection, func, select, update

from contracts.scheduling.events import decode_event
from monolith.modules.notifications import repository
from monolith.modules.notifications.tables import reminder
from monolith.shared.database import ModuleDatabase

BATCH = 50


class Reminders:
    """Turns due reminders into mails, at most one each, even with several instances."""

    def __init__(self, database: ModuleDatabase) -> None:
        self._database = database

    def step(self) -> bool:
        """Process one batch in one transaction; return false if nothing was due. Raises DatabaseUnavailable."""
        with self._database.transaction() as connection:
            due = _claim_due(connection)
            for payload in due:
                _add_mail(connection, payload)
        return bool(due)


def _claim_due(connection: Connection) -> list[bytes]:
    """Mark due reminders as done and return their events. Index reminder_due."""
    due = (
        select(reminder.c.business_id, reminder.c.appointment_id, reminder.c.version)
        .where(reminder.c.state == "waiting", reminder.c.due_at <= func.now())
        .order_by(reminder.c.due_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    taken = connection.execute(
        update(reminder)
        .values(state="done")
        .where(
            reminder.c.business_id == due.c.business_id,
            reminder.c.appointment_id == due.c.appointment_id,
            reminder.c.version == due.c.version,
        )
        .returning(reminder.c.event)
    )
    return list(taken.scalars())


def _add_mail(connection: Connection, payload: bytes) -> None:
    event = decode_event(payload)
    preferences = repository.preferences_of(connection, event.business_id, event.appointment.customer_id)
    is_upcoming = connection.execute(select(func.now() < event.appointment.starts_at)).scalar_one()
    if preferences.wants("reminder") and is_upcoming:
        repository.add_messages(connection, [(event, "reminder")])
