"""Deletion of idempotency keys whose retention has passed."""

from collections import deque
from datetime import timedelta
from uuid import UUID

from contracts.chassis.backoff import Every
from contracts.chassis.deadline import Deadline
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.maintenance.due_businesses import DueBusinesses

BATCH = 200
"""Keys that one transaction deletes, in a few milliseconds."""
CYCLE_SECONDS = 600.0
_PAGE_SIZE = 200
_SECONDS = 3.0


class ExpiredKeys:
    """Prunes the expired keys of the businesses that this database owns. Call `step` repeatedly from one thread.

    Each batch is a transaction of its own, under the business's lease like any other write: a fence waits for it, and
    replication deletes the rows of the copy, which is never pruned itself. A business that is fenced, or whose catalog
    is being changed, is skipped until the next cycle. A repeated key whose row is gone is executed like a new one.
    Raises contract errors and psycopg.Error.
    """

    def __init__(self, due: DueBusinesses, database: EngineDatabase, retention: timedelta) -> None:
        self._due = due
        self._database = database
        self._retention = retention
        self._todo: deque[UUID] = deque()
        self._cycle = Every(CYCLE_SECONDS)
        self._last_examined: UUID | None = None

    def step(self) -> bool:
        """Delete one batch or find more businesses; return whether there may be more to do immediately."""
        if self._todo:
            if self._delete_batch(self._todo[0]) < BATCH:
                self._todo.popleft()
            return True
        if self._last_examined is None and not self._cycle.due():
            return False
        page = self._due.with_expired_keys(self._last_examined, self._retention, _PAGE_SIZE)
        self._last_examined = page.last_examined
        self._todo.extend(page.due)
        return bool(self._todo) or self._last_examined is not None

    def _delete_batch(self, business_id: UUID) -> int:
        """Delete the oldest expired keys of the business and return their number. Index: idempotency_by_time.

        No request waits for the rows: requests read keys without locking them, and insert a key only after they found
        none.
        """
        with self._database.connection(Deadline.after(_SECONDS)) as db, db.transaction():
            row = db.execute(
                """
                SELECT pg_try_advisory_xact_lock_shared(scheduling.fence_key(%(business)s)),
                       set_config('app.business_id', %(business)s::text, true),
                       set_config('transaction_timeout', '2000', true)
                """,
                {"business": business_id},
            ).fetchone()
            if row is None or not row[0]:
                return 0
            # A statement after the lock's, so that it reads the lease as the last fence left it.
            return db.execute(
                """
                DELETE FROM scheduling.idempotency i
                 USING (SELECT actor, operation, key FROM scheduling.idempotency
                         WHERE business_id = %(business)s AND recorded_at < now() - %(retention)s
                         ORDER BY recorded_at LIMIT %(limit)s) AS expired
                 WHERE i.business_id = %(business)s
                   AND (i.actor, i.operation, i.key) = (expired.actor, expired.operation, expired.key)
                   AND EXISTS (SELECT FROM scheduling.lease l WHERE l.business_id = %(business)s AND l.active
                                                               AND l.incarnation = scheduling.incarnation())
                """,
                {"business": business_id, "retention": self._retention, "limit": BATCH},
            ).rowcount
