"""Which businesses have something due: one connection of the overseeing role, which holds the caretaker's lock while it
lives."""

from typing import LiteralString
from uuid import UUID

from contracts.chassis.credentials import role_url
from contracts.chassis.leadership import Leadership

ROLE = "scheduling_operator"
LOCK = 0x43415245  # "CARE"; advisory locks belong to one database, so each database has one active caretaker


class DueBusinesses(Leadership):
    """Reads only, every statement its own transaction; businesses that this database owns. Raises psycopg.Error."""

    def __init__(self, database_url: str, role_secret: str) -> None:
        url = role_url(database_url, ROLE, role_secret)
        super().__init__(
            url, LOCK, "scheduling caretaker", "-c statement_timeout=3000 -c default_transaction_read_only=on"
        )

    def with_overdue_holds(self, limit: int) -> list[UUID]:
        """Index: appointment_overdue."""
        return self._read(
            """
            SELECT DISTINCT a.business_id
              FROM scheduling.appointment a
              JOIN scheduling.lease l ON l.business_id = a.business_id AND l.active
             WHERE a.status = 'held' AND a.hold_expires_at <= clock_timestamp()
             LIMIT %s
            """,
            (limit,),
        )

    def with_people_waiting(self, after: UUID | None, limit: int) -> list[UUID]:
        """By id, from the one after `after` on. Index: waitlist_waiting."""
        return self._read(
            """
            SELECT DISTINCT w.business_id
              FROM scheduling.waitlist w
              JOIN scheduling.lease l ON l.business_id = w.business_id AND l.active
             WHERE w.status = 'waiting' AND (%s::uuid IS NULL OR w.business_id > %s)
             ORDER BY w.business_id LIMIT %s
            """,
            (after, after, limit),
        )

    def _read(self, statement: LiteralString, values: tuple[object, ...]) -> list[UUID]:
        return [row[0] for row in self.connection().execute(statement, values).fetchall()]
