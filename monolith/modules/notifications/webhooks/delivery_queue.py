"""SQL for the delivery of webhooks of all businesses, under the role `notifications_sender`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, text

CLAIM: Final = timedelta(minutes=1)
"""Longer than a batch takes. After this time, other senders repeat the deliveries of a sender that crashed."""


@dataclass(frozen=True, slots=True)
class DeliveryTurn:
    """The right to post the deliveries of a business, which no other sender has at the same time."""

    business_id: UUID
    began_at: datetime


@dataclass(frozen=True, slots=True)
class DueDelivery:
    delivery_id: UUID
    webhook_id: UUID
    url: str
    payload: bytes
    attempts: int
    secrets: Sequence[bytes]


# A sequential scan of a table of at most some thousand rows, with webhook_turn_pkey and index webhook_delivery_next.
_NEXT = text("""
    SELECT w.business_id
      FROM notifications.webhook w
      LEFT JOIN notifications.webhook_turn t USING (business_id)
     CROSS JOIN LATERAL
           (SELECT next_attempt_at FROM notifications.webhook_delivery d
             WHERE d.webhook_id = w.webhook_id AND state = 'pending' AND next_attempt_at <= now()
             ORDER BY next_attempt_at LIMIT 1) AS due
     WHERE w.disabled_at IS NULL AND (t.ends_at IS NULL OR t.ends_at <= now())
     ORDER BY t.began_at NULLS FIRST, due.next_attempt_at
     LIMIT 1
""")
# webhook_turn_pkey
_TAKE = text("""
    INSERT INTO notifications.webhook_turn AS t (business_id, began_at, ends_at)
    VALUES (:business_id, now(), now() + CAST(:claim AS interval))
    ON CONFLICT (business_id) DO UPDATE SET began_at = excluded.began_at, ends_at = excluded.ends_at
          WHERE t.ends_at <= now()
    RETURNING business_id, began_at
""")
_END = text("""
    UPDATE notifications.webhook_turn SET ends_at = now() WHERE business_id = :business_id AND began_at = :began_at
""")
# Indexes webhook_by_business, webhook_delivery_next; for the secrets webhook_secret_of.
_CLAIM = text("""
    UPDATE notifications.webhook_delivery d
       SET next_attempt_at = now() + CAST(:claim AS interval), attempts = d.attempts + 1
      FROM notifications.webhook w
     WHERE w.webhook_id = d.webhook_id AND d.delivery_id IN
           (SELECT due.delivery_id
              FROM notifications.webhook receiver
             CROSS JOIN LATERAL
                   (SELECT delivery_id, next_attempt_at FROM notifications.webhook_delivery
                     WHERE webhook_id = receiver.webhook_id AND state = 'pending' AND next_attempt_at <= now()
                     ORDER BY next_attempt_at LIMIT :most FOR UPDATE SKIP LOCKED) AS due
             WHERE receiver.business_id = :business_id AND receiver.disabled_at IS NULL
             ORDER BY due.next_attempt_at LIMIT :most)
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
       SET next_attempt_at = now() + given.delay, attempts = attempts - 1
      FROM unnest(CAST(:ids AS uuid[]), CAST(:delays AS interval[])) AS given (id, delay)
     WHERE delivery_id = given.id AND state = 'pending'
""")


def take_turn(connection: Connection) -> DeliveryTurn | None:
    """Return a turn of the business with due deliveries whose last turn began longest ago; None if there is none.

    It lasts until it is ended, at most a minute.
    """
    while (business_id := connection.execute(_NEXT).scalar()) is not None:
        row = connection.execute(_TAKE, {"business_id": business_id, "claim": CLAIM}).one_or_none()
        if row is not None:
            return DeliveryTurn(*row)
        # Another sender took it at the same moment; it is not among the next.
    return None


def end_turn(connection: Connection, turn: DeliveryTurn) -> None:
    connection.execute(_END, {"business_id": turn.business_id, "began_at": turn.began_at})


def claim(connection: Connection, turn: DeliveryTurn, most: int) -> list[DueDelivery]:
    """Return the deliveries of a business that have been due longest; other senders leave them alone for a minute."""
    rows = connection.execute(_CLAIM, {"business_id": turn.business_id, "claim": CLAIM, "most": most})
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


def release(connection: Connection, waiting: Sequence[tuple[DueDelivery, timedelta]]) -> None:
    """Attempt each of these deliveries after its delay; the claim counts as no attempt."""
    if waiting:
        values = {"ids": [each.delivery_id for each, _ in waiting], "delays": [delay for _, delay in waiting]}
        connection.execute(_RELEASE, values)
