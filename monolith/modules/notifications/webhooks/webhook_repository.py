"""SQL for the webhooks of businesses, under the role `notifications_app`."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Connection, delete, func, insert, select, text, update

from monolith.modules.notifications.tables import webhook, webhook_delivery, webhook_secret
from monolith.modules.notifications.webhooks.webhook_models import CreateWebhook, Delivery, DeliveryState, Webhook
from monolith.shared.database import new_id

OVERLAP: Final = timedelta(hours=24)
"""How long a replaced secret signs, next to the new one."""
_WEBHOOK = [webhook.c[name] for name in Webhook.__struct_fields__]
_DELIVERY = [webhook_delivery.c[name] for name in Delivery.__struct_fields__]
# Index webhook_by_business
_RECEIVERS = text("""
    SELECT business_id, webhook_id, events FROM notifications.webhook WHERE business_id = ANY(:businesses)
""")
_QUEUE = text("""
    INSERT INTO notifications.webhook_delivery (delivery_id, business_id, webhook_id, event_type, payload)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:businesses AS uuid[]), CAST(:webhooks AS uuid[]),
                         CAST(:types AS text[]), CAST(:payloads AS bytea[]))
""")


def receivers(connection: Connection, businesses: Collection[UUID]) -> list[tuple[UUID, UUID, Sequence[str]]]:
    """Return business, webhook and event types of all webhooks of the businesses."""
    rows = connection.execute(_RECEIVERS, {"businesses": list(businesses)})
    return [(row.business_id, row.webhook_id, row.events) for row in rows]


def queue(connection: Connection, deliveries: Sequence[tuple[UUID, UUID, str, bytes]]) -> None:
    """Queue deliveries of business, webhook, event type and payload."""
    if deliveries:
        businesses, webhooks, types, payloads = (list(column) for column in zip(*deliveries, strict=True))
        ids = [new_id() for _ in deliveries]
        values = {"ids": ids, "businesses": businesses, "webhooks": webhooks, "types": types, "payloads": payloads}
        connection.execute(_QUEUE, values)


def lock_business(connection: Connection, business_id: UUID) -> None:
    """Let no other transaction create a webhook of the business until this one ends, so that the limit holds."""
    connection.execute(select(func.pg_advisory_xact_lock(business_id.int & 0x7FFF_FFFF_FFFF_FFFF)))


def insert_webhook(connection: Connection, business_id: UUID, created_by: UUID, wanted: CreateWebhook) -> Webhook:
    values = {"webhook_id": new_id(), "business_id": business_id, "created_by": created_by, "url": wanted.url}
    values |= {"name": wanted.name, "events": list(wanted.events)}
    row = connection.execute(insert(webhook).values(**values).returning(*_WEBHOOK)).one()
    return _webhook(row._mapping)


def webhooks_of(connection: Connection, business_id: UUID) -> list[Webhook]:
    """Index webhook_by_business."""
    query = select(*_WEBHOOK).where(webhook.c.business_id == business_id)
    rows = connection.execute(query.order_by(webhook.c.created_at, webhook.c.webhook_id))
    return [_webhook(row._mapping) for row in rows]


def delete_webhook(connection: Connection, webhook_id: UUID) -> bool:
    """Delete a webhook with its secrets and deliveries; return whether there was one. Primary key."""
    return connection.execute(delete(webhook).where(webhook.c.webhook_id == webhook_id)).rowcount == 1


def enable_webhook(connection: Connection, webhook_id: UUID) -> None:
    """Primary key."""
    connection.execute(update(webhook).values(disabled_at=None).where(webhook.c.webhook_id == webhook_id))


def add_secret(connection: Connection, business_id: UUID, webhook_id: UUID, secret: bytes) -> None:
    """Add the newest secret; the former one expires after `OVERLAP`, older ones at once. Index webhook_secret_of."""
    of_webhook = webhook_secret.c.webhook_id == webhook_id
    connection.execute(delete(webhook_secret).where(of_webhook, webhook_secret.c.expires_at.is_not(None)))
    connection.execute(update(webhook_secret).values(expires_at=func.now() + OVERLAP).where(of_webhook))
    values = {"secret_id": new_id(), "business_id": business_id, "webhook_id": webhook_id, "secret": secret}
    connection.execute(insert(webhook_secret).values(**values))


def deliveries_of(
    connection: Connection, webhook_id: UUID, state: DeliveryState | None, before: UUID | None, limit: int
) -> list[Delivery]:
    """Return deliveries, newest first; ids grow with time. Index webhook_delivery_of."""
    query = select(*_DELIVERY).where(webhook_delivery.c.webhook_id == webhook_id)
    if state is not None:
        query = query.where(webhook_delivery.c.state == state)
    if before is not None:
        query = query.where(webhook_delivery.c.delivery_id < before)
    rows = connection.execute(query.order_by(webhook_delivery.c.delivery_id.desc()).limit(limit))
    return [Delivery(**row._mapping) for row in rows]


def replay(connection: Connection, webhook_id: UUID, delivery_id: UUID | None) -> int:
    """Deliver one delivery again, or all dead ones if none is named; return their number. Index webhook_delivery_of."""
    found = webhook_delivery.c.webhook_id == webhook_id
    if delivery_id is None:
        found &= webhook_delivery.c.state == "dead"
    else:
        found &= webhook_delivery.c.delivery_id == delivery_id
    again = update(webhook_delivery).values(state="pending", attempts=0, next_attempt_at=func.now())
    return connection.execute(again.where(found)).rowcount


def _webhook(row: Any) -> Webhook:
    return Webhook(**{**row, "events": tuple(row["events"])})
