"""Businesses with due work, read over one connection that holds the maintenance lock while it is open."""

from datetime import timedelta
from typing import LiteralString, NamedTuple
from uuid import UUID

from contracts.chassis.credentials import role_url
from contracts.chassis.leadership import Leadership

ROLE = "scheduling_operator"
LOCK = 0x43415245  # "CARE" in ASCII. Advisory locks are per database, so each database has one active worker.


class ExpiredKeysPage(NamedTuple):
    """The businesses of one page that have expired keys, and where the next page begins; None after the last page."""

    due: list[UUID]
    last_examined: UUID | None


class DueBusinesses(Leadership):
    """Reads the due businesses that this database owns, one transaction per statement. Methods raise psycopg.Error."""

    def __init__(self, direct_url: str, role_secret: str) -> None:
        url = role_url(direct_url, ROLE, role_secret)
        super().__init__(
            url, LOCK, "scheduling maintenance", "-c statement_timeout=3000 -c default_transaction_read_only=on"
        )

    def with_overdue_holds(self, limit: int) -> list[UUID]:
        """Return businesses that have overdue holds. Index: appointment_overdue."""
        return self._read(
            """
            SELECT DISTINCT a.business_id
              FROM scheduling.appointment a
              JOIN scheduling.lease l ON l.business_id = a.business_id AND l.active
                                      AND l.incarnation = (SELECT scheduling.incarnation())
             WHERE a.status = 'held' AND a.hold_expires_at <= clock_timestamp()
             LIMIT %s
            """,
            (limit,),
        )

    def seconds_to_next_expiry(self, at_most: float) -> float:
        """Return how soon the next hold expires: 0 if one is overdue. Index: appointment_overdue."""
        row = (
            self.connection()
            .execute(
                """
            SELECT greatest(0, least(%s, extract(epoch FROM min(hold_expires_at) - clock_timestamp())))::float8
              FROM scheduling.appointment WHERE status = 'held'
            """,
                (at_most,),
            )
            .fetchone()
        )
        assert row is not None, "the query always returns a row"
        return float(row[0])

    def with_waitlist(self, after: UUID | None, limit: int) -> list[UUID]:
        """Return businesses with waiting entries, sorted by id, following `after`. Index: waitlist_waiting."""
        return self._read(
            """
            SELECT DISTINCT w.business_id
              FROM scheduling.waitlist w
              JOIN scheduling.lease l ON l.business_id = w.business_id AND l.active
                                      AND l.incarnation = (SELECT scheduling.incarnation())
             WHERE w.status = 'waiting' AND (%s::uuid IS NULL OR w.business_id > %s)
             ORDER BY w.business_id LIMIT %s
            """,
            (after, after, limit),
        )

    def with_expired_keys(self, after: UUID | None, retention: timedelta, limit: int) -> ExpiredKeysPage:
        """Examine the next `limit` businesses for keys older than `retention`. Index: idempotency_by_time."""
        rows = (
            self.connection()
            .execute(
                """
            SELECT l.business_id,
                   EXISTS (SELECT FROM scheduling.idempotency i
                            WHERE i.business_id = l.business_id AND i.recorded_at < now() - %s)
              FROM scheduling.lease l
             WHERE l.active AND l.incarnation = (SELECT scheduling.incarnation())
               AND (%s::uuid IS NULL OR l.business_id > %s)
             ORDER BY l.business_id LIMIT %s
            """,
                (retention, after, after, limit),
            )
            .fetchall()
        )
        due = [business_id for business_id, has_expired in rows if has_expired]
        return ExpiredKeysPage(due, rows[-1][0] if len(rows) == limit else None)

    def _read(self, statement: LiteralString, values: tuple[object, ...]) -> list[UUID]:
        return [row[0] for row in self.connection().execute(statement, values).fetchall()]
