"""Deletion of inbox rows whose retention has passed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from contracts.chassis.backoff import Every
from monolith.shared.database import ModuleDatabase, first_id_at

BATCH = 500
CYCLE_SECONDS = 24 * 3600.0


class InboxPruner:
    """Prunes one module's inbox, in transactions of at most `BATCH` rows. Call `step` repeatedly from one thread.

    A row is deleted if its event was applied longer ago than `retention` and no later event needs it: a newer version
    of the appointment is applied, or the event was the appointment's last. So at most one row remains for an
    appointment that can still change. Consumers only read and insert inbox rows, so none waits for a deletion.
    """

    def __init__(
        self, database: ModuleDatabase, schema: str, retention: timedelta, *, cycle_seconds: float = CYCLE_SECONDS
    ) -> None:
        self._database = database
        self._retention = retention
        self._prune = text(_PRUNE.replace("SCHEMA", schema))
        self._lock_name = f"{schema}.inbox pruning"
        self._cycle = Every(cycle_seconds)
        self._last_examined: UUID | None = None

    def step(self) -> bool:
        """Examine the next rows, oldest first; return whether there are more. Raises DatabaseUnavailable.

        Does nothing while another process prunes. Index: inbox_pkey, because event ids grow with time.
        """
        if self._last_examined is None and not self._cycle.due():
            return False
        values = {
            "after": self._last_examined or UUID(int=0),
            "before": first_id_at(datetime.now(UTC) - self._retention),
            "retention": self._retention,
            "limit": BATCH,
        }
        with self._database.transaction() as connection:
            if not connection.execute(_TRY_LOCK, {"name": self._lock_name}).scalar_one():
                self._last_examined = None
                return False
            examined = connection.execute(self._prune, values).scalars().all()
        self._last_examined = examined[-1] if len(examined) == BATCH else None
        return self._last_examined is not None


_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
# The last event is deleted after the earlier ones, so that its version is known as long as any row of the appointment.
_PRUNE = """
    WITH examined AS (
        SELECT event_id, appointment_id, version, is_final, applied_at FROM SCHEMA.inbox
         WHERE event_id > :after AND event_id < :before ORDER BY event_id LIMIT :limit
    ), pruned AS (
        DELETE FROM SCHEMA.inbox i USING examined e
         WHERE i.event_id = e.event_id
           AND e.applied_at < now() - CAST(:retention AS interval)
           AND CASE WHEN e.is_final
                    THEN NOT EXISTS (SELECT FROM SCHEMA.inbox o
                                      WHERE o.appointment_id = e.appointment_id AND o.version < e.version)
                    ELSE EXISTS (SELECT FROM SCHEMA.inbox n
                                  WHERE n.appointment_id = e.appointment_id AND n.version > e.version) END
    )
    SELECT event_id FROM examined ORDER BY event_id
"""
