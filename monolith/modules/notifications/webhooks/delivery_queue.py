"""SQL for the delivery of webhooks of all businesses, under the role `notifications_sender`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

CLAIM: Final = timedelta(minutes=1)
"""Longer than a batch takes. After this time, other senders repeat the deliveries of a sender that crashed."""


@dataclass(frozen=True, slots=True)
class DueDelivery:
    delivery_id: UUID
    webhook_id: UUID
    url: str
    payload: bytes
    attempts: int
    secrets: Sequence[bytes]


# Index webhook_delivery_due; for the secrets webhook_secret_of.
_CLAIM = text("""
    UPDATE notifications.webhook_delivery d
       SET next_attempt_at = now() + CAST(:claim AS interval), attempts = d.attempts + 1
      FROM notifications.webhook w
     WHERE w.webhook_id = d.webhook_id AND d.delivery_id IN
           (SELECT due.delivery_id
              FROM notifications.webhook_delivery due JOIN notifications.webhook USING (webhook_id)
             WHERE due.state = 'pending' AND due.next_attempt_at <= now() AND disabled_at IS NULL
             ORDER BY due.next_attempt_at LIMIT :most FOR UPDATE OF due SKIP LOCKED)
    RETURNING d.delivery_id, d.webhook_id, w.url, d.payload, d.attempts,
              ARRAY(SELECT secret FROM notifications.webhook_secret s
                     WHERE s.webhook_id = d.webhook_id AND (expires_at IS NULL OR expires_at > now())
                     ORDER BY expires_at NULLS FIRST) AS secrets
""")
# Primary keys
_DELIVERED = text("""
    UPDATE notifications.webhook_delivery
       SET state = 'delivered', delivered_at = now(), status = :status, problem = NULL
     WHERE delivery_id = :delivery_id
""")
_FAILED = text("""
    UPDATE notifications.webhook_delivery
       SET state = CASE WHEN CAST(:delay AS interval) IS NULL THEN 'dead' ELSE state END,
           next_attempt_at = now() + coalesce(CAST(:delay AS interval), interval '0'),
           status = :status, problem = :problem
     WHERE delivery_id = :delivery_id
""")
_WORKS = text("""
    UPDATE notifications.webhook SET failing_since = NULL
     WHERE webhook_id = :webhook_id AND failing_since IS NOT NULL
""")
_FAILS = text("""
    UPDATE notifications.webhook
       SET failing_since = coalesce(failing_since, now()),
           disabled_at = CASE WHEN :disable THEN now() ELSE disabled_at END
     WHERE webhook_id = :webhook_id
""")
_RELEASE = text("""
    UPDATE notifications.webhook_delivery
       SET next_attempt_at = now() + CAST(:delay AS interval), attempts = attempts - 1
     WHERE delivery_id = ANY(:ids) AND state = 'pending'
""")


def claim(connection: Connection, most: int) -> list[DueDelivery]:
    """Return the deliveries that have been due longest; other senders leave them alone for a minute."""
    rows = connection.execute(_CLAIM, {"claim": CLAIM, "most": most})
    return sorted((DueDelivery(*row) for row in rows), key=lambda each: each.delivery_id)


def mark_delivered(connection: Connection, due: DueDelivery, status: int) -> None:
    connection.execute(_DELIVERED, {"delivery_id": due.delivery_id, "status": status})
    connection.execute(_WORKS, {"webhook_id": due.webhook_id})


def mark_failed(
    connection: Connection, due: DueDelivery, status: int | None, problem: str, delay: timedelta | None, disable: bool
) -> None:
    """Record a failure: attempt again after `delay`, or give up if it is None."""
    values = {"delivery_id": due.delivery_id, "status": status, "problem": problem, "delay": delay}
    connection.execute(_FAILED, values)
    connection.execute(_FAILS, {"webhook_id": due.webhook_id, "disable": disable})


def release(connection: Connection, deliveries: Sequence[DueDelivery], delay: timedelta) -> None:
    """Attempt these deliveries after `delay`; the claim counts as no attempt."""
    if deliveries:
        connection.execute(_RELEASE, {"ids": [each.delivery_id for each in deliveries], "delay": delay})
