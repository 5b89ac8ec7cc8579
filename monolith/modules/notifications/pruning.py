"""Deletion of old mails, reminders, webhook deliveries and their turns. Runs as the role `notifications_sender`."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from monolith.shared.database import ModuleDatabase, first_id_at

BATCH = 500


class MailPruner:
    """Prunes mails and webhook deliveries that were sent or given up, and reminders that are done or void.

    They are deleted when they are older than `retention`. Mails and deliveries count from their creation, reminders
    from their due time, and turns of businesses, which are deleted too, from their beginning. Any number of pruners
    may run; each skips rows that another transaction has locked.
    """

    def __init__(self, database: ModuleDatabase, retention: timedelta) -> None:
        self._database = database
        self._retention = retention

    def step(self) -> bool:
        """Delete one batch of each; return whether there may be more. Raises DatabaseUnavailable."""
        values = {
            "before": first_id_at(datetime.now(UTC) - self._retention),
            "retention": self._retention,
            "limit": BATCH,
        }
        deleted = []
        for statement in (_MAILS, _REMINDERS, _DELIVERIES, _TURNS):
            with self._database.transaction() as connection:
                deleted.append(connection.execute(statement, values).rowcount)
        return BATCH in deleted


# Index message_pkey, because message ids grow with time.
_MAILS = text("""
    WITH old AS (
        SELECT message_id FROM notifications.message
         WHERE message_id < :before AND state <> 'pending' AND created_at < now() - CAST(:retention AS interval)
         ORDER BY message_id LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM notifications.message m USING old WHERE m.message_id = old.message_id
""")
# Index reminder_settled.
_REMINDERS = text("""
    WITH old AS (
        SELECT business_id, appointment_id, version FROM notifications.reminder
         WHERE state <> 'waiting' AND due_at < now() - CAST(:retention AS interval)
         ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM notifications.reminder r USING old
     WHERE (r.business_id, r.appointment_id, r.version) = (old.business_id, old.appointment_id, old.version)
""")
# webhook_delivery_pkey, because delivery ids grow with time.
_DELIVERIES = text("""
    WITH old AS (
        SELECT delivery_id FROM notifications.webhook_delivery
         WHERE delivery_id < :before AND state <> 'pending' AND created_at < now() - CAST(:retention AS interval)
         ORDER BY delivery_id LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM notifications.webhook_delivery d USING old WHERE d.delivery_id = old.delivery_id
""")
# Sequential scan: one row for each business with webhooks.
_TURNS = text("""
    WITH old AS (
        SELECT business_id FROM notifications.webhook_turn
         WHERE greatest(began_at, ends_at) < now() - CAST(:retention AS interval) LIMIT :limit FOR UPDATE SKIP LOCKED
    )
    DELETE FROM notifications.webhook_turn t USING old WHERE t.business_id = old.business_id
""")
